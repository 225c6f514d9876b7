"""A process that raises alerts, as a monitored window does: `python alerting_process.py FOLDER [KEY …]`.

The folder holds an app; each key is something that is wrong now.
"""

import asyncio
import sys

from configs.loading import load_app
from tasks.alerting.found import Found
from tasks.alerting.raising import raise_alerts


def main(folder, keys):
    loaded = load_app(folder, ("alerts=[{kind: webhook, url_env: SHOP_HOOK}]",))
    found = [Found(key, "error", f"{key} does not hold", "why") for key in keys]
    asyncio.run(raise_alerts(loaded.app, "monitor", found))


main(sys.argv[1], sys.argv[2:])
