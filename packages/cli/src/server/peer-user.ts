import { readFile } from "node:fs/promises";

/** Where Linux lists connections, with the user whose socket it is. */
const LISTS = ["/proc/net/tcp", "/proc/net/tcp6"];

/**
 * The user (uid) whose process holds the other end of a connection on this machine; null where the system does not tell.
 * @param peer the port at the other end
 * @param own the port at this end
 */
export async function userOfPeer(peer: number, own: number): Promise<number | null> {
  const lists = await Promise.all(LISTS.map((path) => readFile(path, "utf8").catch(() => "")));
  return userIn(lists.join("\n"), peer, own);
}

/** Lines of the form `slot: ADDRESS:PORT ADDRESS:PORT state queues timer retries uid …`, in hexadecimal but for the uid. */
export function userIn(list: string, peer: number, own: number): number | null {
  for (const line of list.split("\n")) {
    const [, from, to, , , , , uid] = line.trim().split(/\s+/);
    if (portOf(from) === peer && portOf(to) === own && /^\d+$/.test(uid)) return Number(uid);
  }
  return null;
}

const portOf = (place: string | undefined): number => Number.parseInt(place?.split(":").at(-1) ?? "", 16);
