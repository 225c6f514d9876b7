"""A shop that tells a webhook, Slack and Prefect, all of them one receiver; time passes when it is told to."""

from datetime import UTC, datetime, timedelta

import pytest

from configs.schema.alerts import Slack, Webhook
from configs.settings import settings
from tasks.alerting.delivering import deliver
from tasks.alerting.found import Found
from tasks.alerting.outbox import open_outbox
from tasks.alerting.raising import raise_alerts

PATH_OF_HOOK = "/hook/T0123-secret-token"


class Clock:
    """Stands still until it is moved."""

    def __init__(self):
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self):
        return self.now

    def pass_s(self, seconds):
        self.now += timedelta(seconds=seconds)


class Shop:
    """The app, who it tells, and what is wrong with it."""

    def __init__(self, app, receiver, clock):
        self.app, self.receiver, self.clock = app, receiver, clock

    def telling(self, *channels):
        """The same with other channels."""
        return Shop(self.app.model_copy(update={"alerts": channels}), self.receiver, self.clock)

    async def raises(self, *found, source="monitor", unknown=()):
        return await raise_alerts(self.app, source, found, unknown=unknown, clock=self.clock)

    async def delivers(self):
        with open_outbox(self.app.name) as outbox:
            await deliver(outbox, self.clock)

    async def delivers_for(self, seconds):
        """Time passes from one due try to the next, as the process beside the endpoint sees it."""
        end = self.clock.now + timedelta(seconds=seconds)
        while (due := self.next_due()) is not None and due <= end.timestamp():
            self.clock.now = max(self.clock.now, datetime.fromtimestamp(due, UTC) + timedelta(microseconds=10))
            await self.delivers()
        self.clock.now = end

    def next_due(self):
        with open_outbox(self.app.name) as outbox:
            return min((each.due for each in outbox.waiting()), default=None)

    @property
    def alerts(self):
        with open_outbox(self.app.name) as outbox:
            return outbox.alerts(100)

    @property
    def deliveries(self):
        """Oldest first."""
        with open_outbox(self.app.name) as outbox:
            return outbox.deliveries(100)[::-1]

    def delivery(self, channel):
        """The oldest message to a channel."""
        return next(each for each in self.deliveries if each.channel.name == channel)

    @property
    def hooked(self):
        """What the webhook got, oldest first."""
        return [each.json for each in self.receiver.at(PATH_OF_HOOK)]


HOOK = Webhook(kind="webhook", url_env="HOOK_URL")
SLACK = Slack(kind="slack", url_env="SLACK_URL")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def home(tmp_path, monkeypatch, receiver):
    monkeypatch.setenv("LIFECYCLE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LIFECYCLE_PREFECT_URL", f"{receiver.address}/api")
    monkeypatch.setenv("HOOK_URL", f"{receiver.address}{PATH_OF_HOOK}")
    monkeypatch.setenv("SLACK_URL", f"{receiver.address}/services/T0/B0/slack-token")
    settings.cache_clear()
    yield tmp_path / "home"
    settings.cache_clear()


@pytest.fixture
def shop(home, make_app, receiver, clock):
    """Tells the webhook and Slack."""
    return Shop(make_app("http://127.0.0.1:9").app, receiver, clock).telling(HOOK, SLACK)


@pytest.fixture
def channels():
    """The two channels, by kind."""
    return {"webhook": HOOK, "slack": SLACK}


@pytest.fixture
def wrong():
    """Makes something that is wrong."""

    def make(key="error_rate", severity="error", **changes):
        return Found(key, severity, f"{key} does not hold", f"{key} 0.733 [0.55, 0.86], n = 20", **changes)

    return make
