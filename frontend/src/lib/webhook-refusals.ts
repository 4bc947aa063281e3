/** A name, and the address it has where that is another. */
const HOST = "(\\S+(?: \\(\\S+\\))?)";
/** Why a webhook was not delivered or not made: what the server writes → key below `server.webhook`. */
export const WEBHOOK_REFUSALS: [pattern: string, key: string][] = [
  ["No answer within ([\\d.]+) seconds\\.", "late"],
  ["The encrypted connection failed: (.+)\\.", "tls"],
  ["No answer: (.+)\\.", "silent"],
  ["The receiver sends elsewhere; a webhook follows no redirects\\.", "redirect"],
  ["(\\S+) has no address: (.+)\\.", "unknownHost"],
  ["A webhook is an address that begins with https://\\.", "https"],
  ["Unencrypted http is allowed only to networks that the operator of this server named\\.", "http"],
  ["This is no address: (.+)\\.", "noAddress"],
  ["The address may hold neither a name, a password nor a fragment\\.", "parts"],
  ["Write the address in ASCII, percent-encoded\\.", "ascii"],
  [`${HOST} is a link-local or metadata address\\.`, "linkLocal"],
  [`${HOST} is outside the networks to which unencrypted http is allowed\\.`, "outside"],
  [`${HOST} is a private address; the operator of this server may allow its network\\.`, "private"],
  ["A project has at most (\\d+) webhooks\\.", "tooMany"],
];
