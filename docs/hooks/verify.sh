#!/bin/sh
# Checks a webhook by hand; leaves with 0 if its signature is right.
#
#   sh verify.sh SECRET_FILE X-RECONCILER-TIMESTAMP X-RECONCILER-TIMESTAMP-SIGNATURE < body
#
# The secret stands in openssl's arguments for a moment, where everybody on the machine can read it.
set -eu
secret=$(cat "$1")
right=$({ printf '%s.' "$2"; cat; } | openssl dgst -sha256 -hmac "$secret" -r | cut -d ' ' -f 1)
[ "sha256=$right" = "$3" ]
