import { useEffect, useState } from "preact/hooks";
import { AnalyzePage } from "./analyze/analyze-page.js";
import { type About, enter } from "./api.js";
import { ExplorePage } from "./explore/explore-page.js";
import { sentence } from "./work.js";

type Page = "analyze" | "explore";

const pageOf = (hash: string): Page => (hash.startsWith("#/explore") ? "explore" : "analyze");

/** The frame of all pages. The address says which page is shown, and with which settings. */
export function App() {
  const [about, setAbout] = useState<About | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [page, setPage] = useState<Page>(pageOf(location.hash));

  useEffect(() => {
    enter().then(setAbout, (problem: unknown) => setError(sentence(problem)));
    const turn = (): void => setPage(pageOf(location.hash));
    addEventListener("hashchange", turn);
    return () => removeEventListener("hashchange", turn);
  }, []);

  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="bar">
        <p class="name">
          aif <span>what robustness will cost, before you pay for it</span>
        </p>
        <nav aria-label="Pages">
          <a href="#/analyze" aria-current={page === "analyze" ? "page" : undefined}>
            Your table
          </a>
          <a href="#/explore" aria-current={page === "explore" ? "page" : undefined}>
            Explore the idea
          </a>
        </nav>
      </header>
      <main id="main" tabIndex={-1}>
        {page === "explore" ? (
          <ExplorePage />
        ) : error !== null ? (
          <p class="problem" role="alert">
            {error}
          </p>
        ) : about === null ? (
          <p class="faint">Connecting to the server on this machine …</p>
        ) : (
          <AnalyzePage about={about} />
        )}
      </main>
      <footer class="faint">
        <p>
          aif {about?.version ?? ""}. Everything happens on this machine: no account, no telemetry, nothing leaves it.
        </p>
      </footer>
    </>
  );
}
