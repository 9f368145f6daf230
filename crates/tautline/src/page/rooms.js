// The rooms that are open in this page: the list, the one in front, and what each frame does to them.

import { Room } from "./room.js";

const ROOMS_MAX = 30;
const OWN_USERS_MAX = 50;

/** Tells "active" when another room comes to the front, or none. */
export class Rooms extends EventTarget {
  #connection;
  /** Room id to `{ room, item, name, count }`, in the order of the list. */
  #open = new Map();
  #active = null;
  /** With the development token every connection is a user of its own; these were this page. */
  #ownUsers = [];
  #list = document.querySelector("#room-list");
  #title = document.querySelector("#room-title");
  #members = document.querySelector("#members");
  #transcripts = document.querySelector("#transcripts");

  constructor(connection) {
    super();
    this.#connection = connection;
    connection.addEventListener("message", ({ detail }) => this.#receive(detail));
    connection.addEventListener("state", () => this.#followState(connection.state));
  }

  get active() {
    return this.#active;
  }

  get ids() {
    return [...this.#open.keys()];
  }

  /** Opens the room and brings it to the front. */
  join(id) {
    if (!this.#openRoom(id)) return this.#say(`${ROOMS_MAX} rooms are open; leave one before joining “${id}”.`, "error");
    this.#connection.join(id);
    this.show(id);
  }

  leave(id) {
    this.#connection.leave(id);
    this.#closeRoom(id);
  }

  show(id) {
    this.#active = this.#open.get(id)?.room ?? null;
    if (this.#active) this.#active.unread = 0;
    for (const [each, { room, choose }] of this.#open) {
      room.transcript.hidden = each !== id;
      choose.ariaCurrent = each === id ? "true" : null;
    }
    this.#active?.scrollToEnd();
    this.#title.textContent = id ?? "No room";
    // The address keeps the rooms, so that a reload or a copied link opens the same ones.
    history.replaceState(null, "", `#${this.ids.join(",")}`);
    this.#render(id);
    this.dispatchEvent(new Event("active"));
  }

  #receive(frame) {
    const room = this.#open.get(frame.roomId)?.room;
    switch (frame.type) {
      case "joined":
        this.#openRoom(frame.roomId);
        break;
      case "subscribed":
        for (const topic of frame.topics) this.#openRoom(topic);
        break;
      case "left":
        this.#closeRoom(frame.roomId);
        break;
      case "unsubscribed":
        this.#closeRoom(frame.topic);
        break;
      case "history":
        room?.addHistory(frame.messages);
        break;
      case "userJoined":
      case "userLeft":
        room?.addNote(`${this.#nameOf(frame)} ${frame.type === "userJoined" ? "joined" : "left"}`);
        this.#count(frame);
        break;
      case "memberCount":
        this.#count(frame);
        break;
      case "error":
        this.#showError(frame);
        break;
      default:
        // `chat`, and any event that an application publishes to the room under a name of its own.
        if (room?.addMessage(frame) && room !== this.#active) room.unread += 1;
        this.#render(frame.roomId);
    }
  }

  #followState(state) {
    if (state.name === "live") {
      this.#ownUsers.push(state.userId);
      if (this.#ownUsers.length > OWN_USERS_MAX) this.#ownUsers.shift();
    }
    if (!state.ended) return;
    const how = state.name === "closed" ? "connection closed" : "connection lost";
    for (const [id, { room }] of this.#open) {
      room.markLost(how);
      this.#render(id);
    }
  }

  #count({ roomId, memberCount }) {
    const entry = this.#open.get(roomId);
    if (!entry) return;
    entry.room.memberCount = memberCount;
    this.#render(roomId);
  }

  #showError({ code, message, requestId }) {
    const why = `${code}: ${message}`;
    for (const { room } of this.#open.values()) if (room.markUnsent(requestId, why)) return;
    const refused = this.ids.find((id) => requestId === `join:${id}`);
    if (refused === undefined) return this.#say(why, "error");
    this.leave(refused);
    this.#say(`“${refused}” was not joined. ${why}`, "error");
  }

  #say(text, kind) {
    this.#active?.addNote(text, kind);
  }

  #nameOf({ userId, username }) {
    return this.#ownUsers.includes(userId) ? "you" : username ?? userId;
  }

  #openRoom(id) {
    if (this.#open.has(id)) return true;
    if (this.#open.size === ROOMS_MAX) return false;
    const room = new Room(id, (userId) => this.#ownUsers.includes(userId));
    this.#open.set(id, { room, ...this.#listItem(id) });
    this.#transcripts.append(room.transcript);
    this.show(this.#active?.id ?? id);
    return true;
  }

  #listItem(id) {
    const item = document.createElement("li");
    const choose = button("", () => this.show(id));
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = id;
    const count = document.createElement("span");
    count.className = "count";
    choose.append(name, count);
    const leave = button("×", () => this.leave(id));
    leave.className = "leave";
    leave.ariaLabel = `Leave ${id}`;
    item.append(choose, leave);
    this.#list.append(item);
    return { item, choose, count };
  }

  #closeRoom(id) {
    const entry = this.#open.get(id);
    if (!entry) return;
    entry.item.remove();
    entry.room.transcript.remove();
    this.#open.delete(id);
    if (this.#active === entry.room) this.#active = null;
    this.show(this.#active?.id ?? this.ids[0]);
  }

  #render(id) {
    const entry = this.#open.get(id);
    if (entry) {
      const { room, item, count } = entry;
      item.classList.toggle("unread", room.unread > 0);
      count.textContent = room.unread || "";
      count.ariaLabel = room.unread ? `${room.unread} unread` : null;
    }
    const unread = [...this.#open.values()].reduce((sum, { room }) => sum + room.unread, 0);
    document.title = `${unread ? `(${unread}) ` : ""}${this.#active?.id ?? "no room"} · Tautline`;
    this.#members.textContent = memberLabel(this.#active?.memberCount);
  }
}

function memberLabel(count) {
  if (count === null || count === undefined) return "";
  return count === 1 ? "1 member" : `${count} members`;
}

function button(text, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", action);
  return made;
}
