// "Talk to this server from your own page": what to paste, made out for the server that served it.

const COPIED_FOR_MS = 2_000;

/** `url` is the WebSocket address and `token` what it accepts. */
export function showSnippets(url, token) {
  const dialog = document.querySelector("#own-page");
  document.querySelector("#own-page-open").addEventListener("click", () => dialog.showModal());
  document.querySelector("#snippet-browser").textContent = browserSnippet(url, token);
  document.querySelector("#snippet-terminal").textContent = terminalSnippet(url, token);
  for (const button of document.querySelectorAll("[data-copies]")) {
    button.addEventListener("click", () => copy(button));
  }
}

function browserSnippet(url, token) {
  return `const socket = new WebSocket("${url}");
const send = (frame) => socket.send(JSON.stringify(frame));

socket.onopen = () => {
  send({ type: "auth", token: "${token}" });
  send({ type: "join", roomId: "lobby" });
  send({ type: "chat", roomId: "lobby", text: "Hello from my own page" });
};
socket.onmessage = ({ data }) => console.log(JSON.parse(data));
socket.onclose = ({ code, reason }) => console.log("closed", code, reason);`;
}

function terminalSnippet(url, token) {
  return `npx wscat -c ${url}
{"type":"auth","token":"${token}"}
{"type":"join","roomId":"lobby"}
{"type":"chat","roomId":"lobby","text":"Hello from a terminal"}`;
}

async function copy(button) {
  const source = document.getElementById(button.dataset.copies);
  try {
    await navigator.clipboard.writeText(source.textContent);
    tell(button, "Copied");
  } catch {
    // Without permission the browser leaves copying to the person: select it for them.
    getSelection().selectAllChildren(source);
    tell(button, "Selected");
  }
}

function tell(button, text) {
  button.textContent = text;
  document.querySelector("#copied").textContent = text;
  setTimeout(() => (button.textContent = "Copy"), COPIED_FOR_MS);
}
