"""The messages of v2 in MessagePack: `dumps` and `loads`, to be used like those of the module json.

Everything is written by position. What stands where is in ../messagepack.json, which must come along.
"""
import datetime, functools, json, pathlib, uuid
import msgpack

TABLES = json.loads(pathlib.Path(__file__).parent.with_name("messagepack.json").read_text())


def translate(forms, kind, value):
    return [forms[kind[:-2]](each) for each in value] if kind.endswith("[]") else forms[kind](value)


def fields_of(text):
    return [field.partition(":")[::2] for field in text.split()]


def write_object(fields, value):
    """An absent field is nil, or left out if it is at the end."""
    cells = [None if value.get(name) is None else translate(WRITE, kind, value[name]) for name, kind in fields]
    return cells[: max((at for at, (name, _) in enumerate(fields, 1) if name in value), default=0)]


def read_object(fields, cells):
    """Only data may be null. Cells behind the known fields are of later versions."""
    cells = [(name, kind, cell) for (name, kind), cell in zip(fields, cells) if cell is not None or name == "data"]
    return {name: translate(READ, kind, cell) for name, kind, cell in cells}


def read_union(types, cells):
    name, fields = types[cells[0]]
    return dict(zip(("type", "payload", "requestId"), (name, read_object(fields_of(fields), cells[1]), *cells[2:3])))


def read_time(ms):
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


WRITE = {"": lambda data: data, "hex": bytes.fromhex, "uuid": lambda text: uuid.UUID(text).bytes}
READ = {"": lambda data: data, "hex": bytes.hex, "uuid": lambda raw: str(uuid.UUID(bytes=raw)), "time": read_time}
for kind, names in TABLES["names"].items():
    READ[kind] = names.split().__getitem__
for kind, fields in TABLES["objects"].items():
    WRITE[kind] = functools.partial(write_object, fields_of(fields))
    READ[kind] = functools.partial(read_object, fields_of(fields))
for kind, types in TABLES["unions"].items():
    READ[kind] = functools.partial(read_union, list(types.items()))


def dumps(message):
    number = list(TABLES["unions"]["client"]).index(message["type"])
    fields = fields_of(TABLES["unions"]["client"][message["type"]])
    request_id = [message["requestId"]] if "requestId" in message else []
    return msgpack.packb([number, write_object(fields, message["payload"]), *request_id])


def loads(frame):
    return READ["server"](msgpack.unpackb(frame))
