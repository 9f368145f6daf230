"""A client of the plain protocol, v1: greets whoever says "hello", and leaves on "the end".

    python3 e2e/interop/python/v1.py ws://127.0.0.1:8080/ws lobby

Needs Python 3.11 and the package websockets.
"""
import asyncio, json, sys
import websockets


async def main(url, room):
    async with websockets.connect(url, subprotocols=["tautline.v1.json"]) as socket:

        async def send(**message):
            print(">", json.dumps(message), flush=True)
            await socket.send(json.dumps(message))

        # Commands take effect in order: none has to wait for the answer to the one before.
        await send(type="auth", token="dev-token")
        await send(type="join", roomId=room)
        await send(type="request", method="echo", payload={"from": "Python"}, requestId=1)
        await send(type="request", method="nobody.answers.this", requestId=2)
        await send(type="ping", requestId=3)

        async for text in socket:
            print("<", text, flush=True)
            match json.loads(text):
                case {"type": "chat", "text": "hello"}:
                    await send(type="chat", roomId=room, text="hello from Python in v1")
                case {"type": "chat", "text": "the end"}:
                    await send(type="leave", roomId=room, requestId=4)
                case {"type": "left"}:
                    break  # Leaving this block closes with 1000.


asyncio.run(main(*sys.argv[1:]))
