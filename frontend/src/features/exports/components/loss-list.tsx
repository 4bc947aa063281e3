import { useTranslation } from "react-i18next";
import type { ExportLoss } from "@/lib/api-types";
import { count } from "@/lib/format";
import { serverWords } from "@/lib/server-words";

/** What a format cannot carry, one line each. */
export function LossList({ losses }: { losses: ExportLoss[] }) {
  const { t } = useTranslation("exports");
  return (
    <ul className="sm">
      {losses.map((loss) => (
        <li key={`${loss.what} ${loss.kind ?? ""} ${loss.text ?? ""}`}>
          {loss.what === "note"
            ? serverWords(loss.text ?? "", t)
            : t(`loss.${loss.what}`, {
                count: loss.count,
                shown: count(loss.count),
                kind: loss.kind ? t(`mark.${loss.kind}`) : "",
                becomes: loss.becomes ? t(`mark.${loss.becomes}`) : "",
              })}
        </li>
      ))}
    </ul>
  );
}
