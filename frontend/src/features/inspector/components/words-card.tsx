import { useTranslation } from "react-i18next";
import { Card } from "@/ui/card";

const PARTS = ["convolution", "pooling", "field", "saliency"] as const;

/** What a radiologist needs to know of a CNN to read this page. */
export function WordsCard() {
  const { t } = useTranslation("inspector");
  return (
    <Card title={t("words.title")}>
      <dl className="ins-words sm">
        {PARTS.map((part) => (
          <div key={part}>
            <dt className="b">{t(`words.${part}.name`)}</dt>
            <dd className="sec">{t(`words.${part}.text`)}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}
