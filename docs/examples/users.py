"""Users of an app: `python users.py APP COUNT "Is coat {} waterproof?"`; each asks once, a few at a time."""

import argparse
import asyncio
import collections
import os
import sys
import uuid

from openai import APIStatusError, AsyncOpenAI

AT_ONCE = 8


async def main() -> None:
    """Asks, and prints who answered how many."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("app", help="name of the app")
    parser.add_argument("count", type=int, help="how many users")
    parser.add_argument("question", help="what they ask; each has a number for {}")
    arguments = parser.parse_args()
    port = os.environ.get("LIFECYCLE_ENDPOINT_PORT", "8080")
    client = AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)
    answered: collections.Counter[str] = collections.Counter()
    numbers = iter(range(arguments.count))

    async def user() -> None:
        for number in numbers:
            try:
                raw = await client.chat.completions.with_raw_response.create(
                    model=arguments.app,
                    messages=[{"role": "user", "content": arguments.question.format(number)}],
                    user=uuid.uuid4().hex,
                )
                answered[f"answered by {raw.headers['x-lifecycle-candidate'][:8]}"] += 1
            except APIStatusError as error:
                answered[f"failed at {error.response.headers.get('x-lifecycle-candidate', '?')[:8]}"] += 1
            await asyncio.sleep(0.1)

    await asyncio.gather(*(user() for _ in range(AT_ONCE)))
    for said, count in sorted(answered.items()):
        sys.stdout.write(f"{count:5} {said}\n")


asyncio.run(main())
