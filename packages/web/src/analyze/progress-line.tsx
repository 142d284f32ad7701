import type { Followed } from "../work.js";

/** How far work is, with a way to end it; what went wrong, where something did. */
export function ProgressLine({ work, label }: { readonly work: Followed<unknown>; readonly label: string }) {
  const { status, error } = work;
  if (error !== null) {
    return (
      <p class="problem" role="alert">
        {error}
      </p>
    );
  }
  if (status === null || status.state === "done") return null;
  if (status.state === "cancelled") {
    return (
      <p class="faint" role="status">
        {label} was cancelled.
      </p>
    );
  }
  const { progress } = status;
  const share = progress !== null && progress.total > 0 ? progress.done / progress.total : null;
  return (
    <div class="progress" role="status">
      <progress aria-label={label} {...(share === null ? {} : { value: share, max: 1 })} />
      <span>
        {label}
        {status.state === "waiting" ? ": waiting for other work" : progress === null ? " …" : `: ${progress.phase}`}
      </span>
      <button type="button" class="act" onClick={work.cancel}>
        cancel
      </button>
    </div>
  );
}
