"""A client of v2: greets whoever says "hello", goes away on "goodbye", and comes back for what it missed.

    python3 e2e/interop/python/v2.py ws://127.0.0.1:8080/ws lobby json

The last word is json or msgpack; "the end" ends it. Needs Python 3.11 and the packages websockets and msgpack.
"""
import asyncio, json, sys, uuid
import messagepack, websockets

PRODUCER = uuid.uuid4().hex  # Who this program is, however often it connects.
HELLO = {"token": "dev-token", "client": {"name": "v2.py", "version": "1"}, "producer": PRODUCER}


async def attend(url, room, encoding, since=None):
    """Listens from the position `since` on, until "goodbye"; returns the position to come back with."""
    form = messagepack if encoding == "msgpack" else json
    async with websockets.connect(url, subprotocols=[f"tautline.v2.{encoding}"]) as socket:

        async def send(type, payload={}, **request_id):
            message = {"type": type, "payload": payload, **request_id}
            print(">", json.dumps(message), flush=True)
            await socket.send(form.dumps(message))

        await send("hello", {**HELLO, "rooms": [{"room": room, "since": since}]}, requestId=1)
        await send("request", {"method": "echo", "data": {"from": "Python"}}, requestId=2)
        await send("join", {"room": "no name of a room"}, requestId=3)  # An error is the answer, and no more.
        await send("ping", requestId=4)
        async for frame in socket:
            message = form.loads(frame)
            print("<", json.dumps(message), flush=True)
            arrived = []
            match message:
                case {"type": "ping"}:
                    await send("pong")
                case {"type": "welcome", "payload": {"rooms": [{"type": "joined", "payload": joined}]}}:
                    position, arrived = joined["position"], joined["messages"]
                case {"type": "gap", "payload": {"position": position}}:
                    pass  # What is missing is lost to us; here it goes on.
                case {"type": "message", "payload": payload}:
                    arrived = [payload]
                case {"type": "left"}:
                    return None
            for publication in arrived:
                position = {**position, "offset": publication["offset"], "id": publication["id"]}
                if publication["data"] == {"text": "hello"}:
                    key = f"{PRODUCER}:{publication['offset']}"
                    words = {"room": room, "event": "chat", "data": {"text": "hello from Python"}, "key": key}
                    await send("publish", words, requestId=5)
                    await send("publish", words, requestId=6)  # With the same key it is the same publication.
                if publication["data"] == {"text": "goodbye"}:
                    return position  # Leaving the block closes with 1000.
                if publication["data"] == {"text": "the end"}:
                    await send("leave", {"room": room}, requestId=7)


position = asyncio.run(attend(*sys.argv[1:]))
while position:
    position = asyncio.run(attend(*sys.argv[1:], position))
