"""What frames look like: the preset dictionary of the journal's compressor.

At rest a row of the journal holds one frame, and one frame alone hardly repeats itself; given the
words and shapes that frames are made of it shrinks to a third of what it would be.  Whatever was
compressed with a version needs that very version to be read again: never change one, add another.
"""

_HISTORIES = (
    b'{"limit":100,"offset":0,"total":1,"records":[{"address":"","uniqueId":null,"createdAt":17,'
    b'"currency":"Tether US","ticker":"USDT","method":1,"amount":"","description":"","memo":"",'
    b'"fee":"0","status":7,"transaction_id":"","network":"TRC20","transactionHash":"",'
    b'"details":{"partial":{"requestAmount":"","processedAmount":"","processedFee":"",'
    b'"normalizeTransaction":""}},"confirmations":{"actual":1,"required":2}}]}'
    b'{"total":1,"data":[{"amount":"-","code":"sha256:","date":17,"status":"Activated",'
    b'"ticker":"USDT","external_id":""}],"limit":100,"offset":0}'
    b'{"records":[{"id":"","date":17,"give":"","receive":"","rate":"","path":[{"from":"","to":"",'
    b'"rate":""}]}],"total":0,"limit":100,"offset":0}'
    b'{"call":"order_history","startDate":17,"endDate":17,"offset":0,"limit":100}'
    b'{"call":"deals_history","startDate":17,"endDate":17,"offset":0,"limit":500}'
    b'{"call":"active_orders","offset":0,"limit":100}{"call":"order_by_id","orderId":1}'
    b'{"call":"spot_balances"}{"call":"collateral_balances"}{"call":"main_balances"}'
)
_REPLIES = (
    b'{"method":"balanceSpot_request","params":[]}{"method":"balanceMargin_request","params":[]}'
    b'{"method":"ordersPending_request","params":["BTC_USDT",0,100]}'
    b'{"method":"ordersExecuted_request","params":[{"market":"BTC_USDT","order_types":[1,2]},0,100]}'
    b'{"method":"deals_request","params":["BTC_USDT",0,100]}'
    b'{"id":1,"result":{"limit":100,"offset":0,"total":0,"records":[]},"error":null}'
    b'{"BTC":{"main_balance":"0"},"USDT":{"main_balance":"0"},"USDC":{"main_balance":"0."}}'
    b'[{"asset":"BTC","balance":"0","borrow":"0","availableWithoutBorrow":"0",'
    b'"availableWithBorrow":"0"}]'
    b'"USDT":{"balance":"","borrow":"0","available_without_borrow":"","available_with_borrow":""}'
)
_ROWS = (
    b'{"BTC_USDT":[{"id":17,"clientOrderId":"","time":17,"side":"sell","role":2,"amount":"0.",'
    b'"price":"","deal":"","fee":"0.","orderId":1,"feeAsset":"USDT"},'
    b'{"orderId":1,"clientOrderId":"","market":"BTC_USDT","side":"buy","type":"limit",'
    b'"timestamp":17,"dealMoney":"0","dealStock":"0","amount":"0.","left":"0.","dealFee":"0",'
    b'"postOnly":false,"ioc":false,"status":"PARTIALLY_FILLED","stp":"no","positionSide":"BOTH",'
    b'"rpi":false,"reduceOnly":false,"price":"0."}'
    b'{"id":1,"clientOrderId":"","ctime":17,"ftime":17,"side":"sell","type":"market",'
    b'"amount":"0.","price":"0","dealStock":"0.","dealMoney":"","dealFee":"0.","feeAsset":"USDT",'
    b'"postOnly":false,"ioc":false,"status":"CANCELED","positionSide":"BOTH","rpi":false,'
    b'"reduceOnly":false}'
)
_UPDATES = (
    b'{"method":"balanceMargin_update","params":[{"a":"USDT","B":"","b":"0","av":"","ab":""}],'
    b'"id":null}'
    b'{"id":null,"method":"ordersExecuted_update","params":[{"id":1,"market":"SOL_USDT","type":2,'
    b'"side":1,"post_only":false,"ioc":false,"ctime":17,"mtime":17,"price":"0","amount":"",'
    b'"left":"0","deal_stock":"0","deal_money":"","deal_fee":"","client_order_id":"",'
    b'"stp":"no","status":"FILLED","position_side":"BOTH","rpi":false,"retail":false,'
    b'"reduce_only":false}]}'
    b'{"id":null,"method":"balanceSpot_update","params":[{"USDT":{"available":"0.","freeze":"0"}}]}'
    b'{"id":null,"method":"balanceSpot_update","params":[{"BTC":{"available":"0.","freeze":"0"}}]}'
    b'{"id":null,"method":"ordersPending_update","params":[1,{"id":1,"market":"ETH_USDT","type":1,'
    b'"side":2,"post_only":false,"ioc":false,"ctime":17,"mtime":17,"price":"0.","amount":"0.",'
    b'"left":"0","deal_stock":"0","deal_money":"0","deal_fee":"0","client_order_id":"",'
    b'"stp":"no","status":"OPEN","position_side":"BOTH","rpi":false,"retail":false,'
    b'"reduce_only":false}]}'
    b'{"id":null,"method":"deals_update","params":[1,17.,"BTC_USDT",1,"0.","0.","0.","",1,2,"USDT"]}'
)

DICTIONARIES = {1: _HISTORIES + _REPLIES + _ROWS + _UPDATES}
"""By the number that a row's body begins with.  What is most frequent stands last: what is near
costs fewer bits to point at."""

NEWEST = max(DICTIONARIES)
