/** The server, as the page sees it. Its types are the server's own. */
import type { JobRequest } from "../../cli/src/server/job-words.js";
import type { JobStatus } from "../../cli/src/server/jobs.js";
import type { ServedTable } from "../../cli/src/server/tables.js";

export type { JobRequest, JobStatus, ServedTable };
export interface About {
  readonly version: string;
  /** What each command takes. */
  readonly options: Readonly<Record<JobRequest["command"], readonly string[]>>;
  readonly tables: readonly ServedTable[];
  readonly jobs: readonly JobStatus[];
}

/** One sentence from the server, for people. */
export class ServerError extends Error {}

async function answer(request: Promise<Response>): Promise<Response> {
  const response = await request.catch(() => {
    throw new ServerError(
      "The server does not answer: it may have been stopped. Start aif serve again and open the new link.",
    );
  });
  if (response.ok) return response;
  const said: unknown = await response.json().catch(() => null);
  const sentence =
    typeof said === "object" && said !== null && "error" in said
      ? String(said.error)
      : `The server says ${response.status}.`;
  throw new ServerError(sentence);
}

const json = async <Value>(request: Promise<Response>): Promise<Value> =>
  (await answer(request)).json() as Promise<Value>;

const post = <Value>(path: string, body: unknown): Promise<Value> =>
  json<Value>(
    fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  );

/** Shows the server the token of the link, if there is one, and takes it out of the address. */
export async function enter(): Promise<About> {
  const [, token] = /[#&]token=([\w-]+)/.exec(location.hash) ?? [];
  if (token !== undefined) {
    history.replaceState(null, "", `${location.pathname}#/`);
    await post("/api/session", { token });
  }
  return json<About>(fetch("/api/about"));
}

export const receive = (file: File): Promise<ServedTable> =>
  json<ServedTable>(
    fetch("/api/tables", { method: "POST", headers: { "x-file-name": encodeURIComponent(file.name) }, body: file }),
  );

export const startJob = (request: JobRequest): Promise<JobStatus> => post<JobStatus>("/api/jobs", request);

export const cancelJob = (id: string): Promise<JobStatus> =>
  json<JobStatus>(fetch(`/api/jobs/${id}`, { method: "DELETE" }));

/** The same while the page is being left. */
export const cancelJobOnLeaving = (id: string): void => {
  void fetch(`/api/jobs/${id}`, { method: "DELETE", keepalive: true }).catch(() => {});
};

export const resultOf = <Result>(id: string): Promise<Result> => json<Result>(fetch(`/api/jobs/${id}/result`));

export const reportOf = (id: string): string => `/api/jobs/${id}/report`;

const ended = ({ state }: JobStatus): boolean => state !== "waiting" && state !== "running";

/** Follows work to its end; every change is told. */
export function follow(id: string, onChange: (status: JobStatus) => void): Promise<JobStatus> {
  return new Promise((resolve, reject) => {
    const events = new EventSource(`/api/jobs/${id}/events`);
    events.addEventListener("status", (event) => {
      const status = JSON.parse(event.data as string) as JobStatus;
      onChange(status);
      if (!ended(status)) return;
      events.close();
      resolve(status);
    });
    events.addEventListener("error", () => {
      // The browser tries again by itself, unless the server is gone.
      if (events.readyState !== EventSource.CLOSED) return;
      reject(
        new ServerError(
          "The server does not answer: it may have been stopped. Start aif serve again and open the new link.",
        ),
      );
    });
  });
}
