import { Logo } from "@/ui/logo";

/** The page before its code and words are there, as index.html draws it too: the bar, the name, and after 400 ms a line. */
export function FirstPaint() {
  return (
    <div className="app" aria-busy="true">
      <header className="top">
        <span className="logo">
          <Logo />
          Overread
        </span>
      </header>
      <div className="page">
        <div className="loading-line" />
      </div>
    </div>
  );
}
