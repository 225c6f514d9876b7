"""How the tests of the simulated endpoint ask it, with the openai client."""

import asyncio

import openai
import pytest


@pytest.fixture
def client():
    """Makes an openai client of an address that never tries again."""
    return lambda address, **options: openai.OpenAI(base_url=address, api_key="any", max_retries=0, **options)


@pytest.fixture
def ask_all(ask):
    """Asks many texts at once; returns their answers, or the errors that were raised, in the order of the texts."""

    async def run(address, texts, **options):
        async with openai.AsyncOpenAI(base_url=address, api_key="any", max_retries=0) as many:
            return await asyncio.gather(*(ask(many, text, **options) for text in texts), return_exceptions=True)

    return run


@pytest.fixture
def ask():
    """Asks one text with a client."""

    def run(asked, text, **options):
        return asked.chat.completions.create(model="m", messages=[{"role": "user", "content": text}], **options)

    return run
