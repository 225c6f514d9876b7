"""The bare openai SDK: an asyncio loop over the rows of a dataset, so many at once, and nothing else."""

import argparse
import asyncio
from pathlib import Path

import openai

from benchmarks.engine.apps import INSTRUCTION, MODEL, MOST_TOKENS, read_questions


async def asked(address: str, rows: Path, at_once: int, *, stream: bool) -> None:
    """Asks every row once."""
    questions = iter(list(read_questions(rows)))
    async with openai.AsyncOpenAI(base_url=address, api_key="none", max_retries=0) as client:

        async def ask(question: str) -> str:
            reply = await client.chat.completions.create(
                model=MODEL,
                messages=[{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": question}],
                temperature=0.0,
                max_tokens=MOST_TOKENS,
            )
            return reply.choices[0].message.content or ""

        async def ask_streaming(question: str) -> str:
            pieces = await client.chat.completions.create(
                model=MODEL,
                messages=[{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": question}],
                temperature=0.0,
                max_tokens=MOST_TOKENS,
                stream=True,
            )
            return "".join([piece.choices[0].delta.content or "" async for piece in pieces])

        async def work() -> None:
            for question in questions:
                answer = await (ask_streaming if stream else ask)(question)
                if answer != question:
                    raise ValueError(f"{question!r} was answered {answer!r}")

        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work())


def main() -> None:
    """Asks the rows that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("rows", type=Path)
    parser.add_argument("--at-once", type=int, required=True)
    parser.add_argument("--stream", action="store_true")
    arguments = parser.parse_args()
    asyncio.run(asked(arguments.address, arguments.rows, arguments.at_once, stream=arguments.stream))


if __name__ == "__main__":
    main()
