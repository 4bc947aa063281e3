/** Hand the browser a file made here. */
export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** A text that a spreadsheet would take for a formula; names come from outside. The server's tables do the same. */
const RISKY = /^[=+\-@\t\r']/;

/** Rows as CSV (RFC 4180), with a byte order mark so that spreadsheets read Chinese. Numbers are no texts. */
export function csvOf(rows: (string | number | null)[][]): string {
  const cell = (value: string | number | null) => {
    const given = value === null ? "" : String(value);
    const text = typeof value === "string" && RISKY.test(value) ? `'${given}` : given;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `\uFEFF${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

/** A chart as a file of its own: the page's colours are written into it. */
export function downloadSvg(name: string, svg: SVGSVGElement): void {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const style = getComputedStyle(document.documentElement);
  const text = new XMLSerializer()
    .serializeToString(copy)
    .replace(/var\((--[a-z0-9-]+)\)/g, (_, token: string) => style.getPropertyValue(token).trim());
  const look =
    "text{font:11px Inter,sans-serif;fill:#949494}.gr{stroke:#232323}.ax{stroke:#444}.lb{fill:#bababa}.st{font-weight:600}";
  download(
    name,
    "image/svg+xml",
    text.replace(
      /<svg[^>]*>/,
      (tag) => `${tag}<style>${look}</style><rect width="100%" height="100%" fill="#141414"/>`,
    ),
  );
}
