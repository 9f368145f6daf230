// The form that sends a frame exactly as typed, with one example per message of the protocol.

const EXAMPLES = {
  chat: (roomId) => ({ type: "chat", roomId, text: "Hello", requestId: "c-1" }),
  join: () => ({ type: "join", roomId: "kitchen", requestId: "j-1" }),
  leave: (roomId) => ({ type: "leave", roomId }),
  ping: () => ({ type: "ping", requestId: 7 }),
  "request echo": () => ({ type: "request", method: "echo", payload: { any: ["JSON"] }, requestId: 8 }),
  subscribe: () => ({ type: "subscribe", payload: { topics: ["prices", "news"] }, requestId: 9 }),
  unsubscribe: () => ({ type: "unsubscribe", payload: { topic: "news" }, requestId: 10 }),
  auth: (roomId, token) => ({ type: "auth", token }),
  "an unknown type": () => ({ type: "dance" }),
};

/** `activeRoom()` names the room that the examples speak about. */
export function offerFrames(connection, token, activeRoom) {
  const form = document.querySelector("#raw");
  const text = document.querySelector("#raw-text");
  const example = document.querySelector("#raw-example");
  const hint = document.querySelector("#raw-hint");
  const send = form.querySelector("button[type=submit]");
  const advise = () => (hint.textContent = advice(text.value));

  for (const name of Object.keys(EXAMPLES)) example.append(new Option(name, name));
  const fill = (name) => {
    text.value = JSON.stringify(EXAMPLES[name](activeRoom(), token));
    advise();
  };
  fill("ping");

  example.addEventListener("change", () => {
    fill(example.value);
    example.value = "";
  });
  text.addEventListener("input", advise);
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  connection.addEventListener("state", () => (send.disabled = connection.state.name !== "live"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    connection.sendText(text.value);
  });
}

/** Nothing is held back: seeing the server refuse a frame is part of learning the protocol. */
function advice(text) {
  try {
    const frame = JSON.parse(text);
    if (typeof frame?.type === "string") return "Ctrl + Enter sends";
    return "Without a “type” the server closes with 1008";
  } catch {
    return "Not JSON: the server closes with 1008";
  }
}
