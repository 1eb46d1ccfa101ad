"""Tells Alertmanager of an event, and of its end.  An exec hook:

    command = ["python3", "/usr/local/lib/reconciler/alertmanager.py", "http://127.0.0.1:9093"]
    repeat  = "1h"

Alertmanager forgets what nobody tells it again, so each alert is told to last a little longer than
`repeat`.  What ends bears the labels of what began.
"""

import json
import sys
import urllib.request
from datetime import UTC, datetime, timedelta

LASTS = timedelta(hours=3)
LABELS = ("account", "wallet", "asset", "stream", "hook")
STARTS = ("detected_at", "since", "gap_from", "at")

event = json.load(sys.stdin)
now = datetime.now(UTC)
starts_at = next((event[name] for name in STARTS if name in event), now.isoformat())
is_over = event["event"].endswith((".resolved", ".recovered"))
subject = event["dedupe_key"].partition("/")[0]
alert = {
    "labels": {
        "alertname": f"Reconciler{subject.capitalize()}",
        "dedupe_key": event["dedupe_key"],
        **{name: event[name] for name in LABELS if name in event},
    },
    "annotations": {"summary": event["message"], "event": event["event"]},
    "startsAt": starts_at,
    "endsAt": (now if is_over else now + LASTS).isoformat(),
}
request = urllib.request.Request(
    f"{sys.argv[1].rstrip('/')}/api/v2/alerts",
    data=json.dumps([alert]).encode(),
    headers={"Content-Type": "application/json"},
)
with urllib.request.urlopen(request, timeout=10):  # raises, and so is tried again, unless 2xx
    pass
