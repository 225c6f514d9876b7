"""What Prefect still holds back, logs and events, is sent while its server is there to take it."""


def drain() -> None:
    """Sends every log line and event that this process has not sent yet, and waits until they are.

    Prefect sends them in the background, the last ones when the process ends: for a minute in vain, where the server
    was stopped before.
    """
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (EventsWorker, APILogWorker):
        worker.drain_all(timeout=10)
