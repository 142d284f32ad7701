import { randomBytes, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { jsonBody } from "./json-body.js";

const COOKIE = "aif-session";

/** Who may talk to the server: pages that it served itself, opened with the token that the terminal shows. */
export class Guard {
  readonly token = randomBytes(24).toString("base64url");
  private readonly session = randomBytes(24).toString("base64url");

  /** @param authorities "127.0.0.1:8080" and the like: what a request may call this host. */
  constructor(private readonly authorities: () => readonly string[]) {}

  /**
   * Refuses other names of this host (a page elsewhere that resolves its own name to it) and other origins. Whoever changes
   * anything, or follows work, must say where the request comes from, as browsers do.
   */
  readonly sameOrigin: MiddlewareHandler = async (context, next) => {
    const known = this.authorities();
    if (!known.includes(context.req.header("host") ?? "")) {
      return context.json({ error: "This server answers to its own address only." }, 421);
    }
    const origin = context.req.header("origin");
    const site = context.req.header("sec-fetch-site");
    const own = known.some((authority) => origin === `http://${authority}`);
    const foreign = (origin !== undefined && !own) || (site !== undefined && site !== "same-origin" && site !== "none");
    const { method, path } = context.req;
    const changes = method !== "GET" && method !== "HEAD";
    // Browsers send no Origin when a page reads from its own server, but say so by Sec-Fetch-Site.
    const unsaid = (changes && !own) || (path.endsWith("/events") && !own && site !== "same-origin");
    if (foreign || unsaid) {
      return context.json({ error: "Pages of another origin may not use this server." }, 403);
    }
    return next();
  };

  /** Refuses whoever has not shown the token. */
  readonly known: MiddlewareHandler = async (context, next) => {
    if (same(getCookie(context, COOKIE) ?? "", this.session)) return next();
    return context.json({ error: "Open the link that aif serve printed: it holds the key to this server." }, 401);
  };

  /** Exchanges the token for a cookie that scripts cannot read and other sites cannot send. */
  readonly exchange: MiddlewareHandler = async (context) => {
    const given: unknown = await jsonBody(context).catch(() => null);
    const token = typeof given === "object" && given !== null && "token" in given ? given.token : null;
    if (typeof token !== "string" || !same(token, this.token)) {
      deleteCookie(context, COOKIE, { path: "/" });
      return context.json({ error: "This link is of another run of aif serve; open the one it printed last." }, 401);
    }
    setCookie(context, COOKIE, this.session, { httpOnly: true, sameSite: "Strict", path: "/" });
    return context.json({ welcome: true });
  };
}

function same(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
