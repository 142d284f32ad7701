import { randomBytes, timingSafeEqual } from "node:crypto";
import { getConnInfo } from "@hono/node-server/conninfo";
import type { Context, MiddlewareHandler } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { authorityOf, isLoopback, namesOf } from "./addresses.js";
import { jsonBody } from "./json-body.js";
import { userOfPeer } from "./peer-user.js";

/** Who may talk to the server: pages that it served itself, opened with the token that the terminal shows. */
export class Guard {
  readonly token = randomBytes(24).toString("base64url");
  private readonly session = randomBytes(24).toString("base64url");

  /** @param port known once the server listens. */
  constructor(
    private readonly host: string,
    private readonly port: () => number,
  ) {}

  /** Cookies do not tell ports apart: two servers of one user each need a name of their own. */
  private get cookie(): string {
    return `aif-session-${this.port()}`;
  }

  /**
   * Refuses other names of this host (a page elsewhere that resolves its own name to it) and other origins. Whoever changes
   * anything, or follows work, must say where the request comes from, as browsers do.
   */
  readonly sameOrigin: MiddlewareHandler = async (context, next) => {
    const known = namesOf(this.host).map((name) => authorityOf(name, this.port()));
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
      return context.json(
        {
          error: "Pages of another origin may not use this server, nor lead to it: copy the link into the address bar.",
        },
        403,
      );
    }
    return next();
  };

  /** Refuses whoever has not shown the token. */
  readonly known: MiddlewareHandler = async (context, next) => {
    if (same(getCookie(context, this.cookie) ?? "", this.session)) return next();
    return context.json({ error: "Open the link that aif serve printed: it holds the key to this server." }, 401);
  };

  /** Exchanges the token for a cookie that scripts cannot read and other sites cannot send. */
  readonly exchange: MiddlewareHandler = async (context) => {
    const given: unknown = await jsonBody(context).catch(() => null);
    const token = typeof given === "object" && given !== null && "token" in given ? given.token : null;
    if (typeof token !== "string" || !same(token, this.token)) {
      deleteCookie(context, this.cookie, { path: "/" });
      return context.json({ error: "This link is of another run of aif serve; open the one it printed last." }, 401);
    }
    if (await this.isOthers(context)) {
      return context.json({ error: "This server is another user's, who started it for this machine's own use." }, 403);
    }
    setCookie(context, this.cookie, this.session, { httpOnly: true, sameSite: "Strict", path: "/" });
    return context.json({ welcome: true });
  };

  /**
   * Whether somebody else on this machine asks, who may have read the link off the command line of the browser that opened it.
   * A server for other machines too has no such limit.
   */
  private async isOthers(context: Context): Promise<boolean> {
    const own = process.getuid?.();
    const { port } = getConnInfo(context).remote;
    if (own === undefined || port === undefined || !isLoopback(this.host)) return false;
    const user = await userOfPeer(port, this.port());
    return user !== null && !mayAsk(user, own);
  }
}

/** The user, and the administrator, who may do everything anyway: also on behalf of the user, as when ports are forwarded. */
export const mayAsk = (user: number, own: number): boolean => user === own || user === 0;

function same(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
