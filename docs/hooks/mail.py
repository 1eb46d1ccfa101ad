"""Mails an event, through the machine's sendmail.  An exec hook:

command = ["python3", "/usr/local/lib/reconciler/mail.py", "ops@example.com"]
"""

import json
import os
import shutil
import subprocess
import sys
from email.message import EmailMessage
from email.utils import localtime

event = json.load(sys.stdin)
mail = EmailMessage()
mail["To"] = sys.argv[1]
mail["Subject"] = f"reconciler: {event['event']} {event.get('account', '')}".rstrip()
mail["Date"] = localtime()
mail["Message-ID"] = f"<{event['id']}@reconciler.invalid>"  # who gets it twice can tell
mail["Auto-Submitted"] = "auto-generated"
mail.set_content(f"{event['message']}\n\n{json.dumps(event, indent=1, ensure_ascii=False)}\n")

sendmail = shutil.which("sendmail", path=f"{os.environ['PATH']}:/usr/sbin:/usr/lib")
if sendmail is None:
    sys.exit("there is no sendmail on this machine")
sys.exit(subprocess.run([sendmail, "-t", "-i"], input=bytes(mail), check=False).returncode)
