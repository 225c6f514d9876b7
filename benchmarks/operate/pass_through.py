"""The bare pass-through: FastAPI and the openai SDK, nothing else. `python -m benchmarks.operate.pass_through`."""

import argparse

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from openai import AsyncOpenAI, DefaultAsyncHttpxClient


def main() -> None:
    """Passes chat requests on until it is ended."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operate.pass_through", description=__doc__)
    parser.add_argument("--upstream", required=True, help="address of the model's endpoint, with its /v1")
    parser.add_argument("--port", type=int, required=True, help="where it listens, on loopback")
    arguments = parser.parse_args()
    connections = DefaultAsyncHttpxClient(trust_env=False)
    client = AsyncOpenAI(base_url=arguments.upstream, api_key="none", max_retries=0, http_client=connections)
    api = FastAPI()

    @api.get("/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ok"}

    @api.post("/v1/chat/completions")
    async def chat(request: Request) -> JSONResponse:
        asked = await request.json()
        answer = await client.chat.completions.create(model=asked["model"], messages=asked["messages"], max_tokens=64)
        return JSONResponse(answer.model_dump(mode="json"))

    uvicorn.run(api, host="127.0.0.1", port=arguments.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
