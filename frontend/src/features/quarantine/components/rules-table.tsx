import { useTranslation } from "react-i18next";
import { usePixelRules, useRemoveRule } from "@/features/quarantine/api/quarantine";
import { count } from "@/lib/format";
import { Button } from "@/ui/button";
import { EmptyState } from "@/ui/empty-state";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";

/** What is blanked in images of which device and size, without a look. */
export function RulesTable({ slug }: { slug: string }) {
  const { t } = useTranslation("quarantine");
  const rules = usePixelRules(slug);
  const remove = useRemoveRule(slug);
  if (rules.isError) return <ErrorState error={rules.error} retry={() => void rules.refetch()} />;
  if (!rules.data) return <LoadingRows rows={4} height={42} />;
  if (rules.data.length === 0) return <EmptyState title={t("noRules")}>{t("noRulesNote")}</EmptyState>;
  return (
    <table>
      <thead>
        <tr>
          <th>{t("deviceHead")}</th>
          <th>{t("sizeHead")}</th>
          <th>{t("blanked")}</th>
          <th>{t("by")}</th>
          <th />
        </tr>
      </thead>
      <tbody>
        {rules.data.map((rule) => (
          <tr key={rule.id}>
            <td>{t("device", { manufacturer: rule.manufacturer, model: rule.model })}</td>
            <td className="num sec nw">{t("size", { columns: count(rule.columns), rows: count(rule.rows) })}</td>
            <td className="wrap sm mono">
              {rule.rectangles.length ? rule.rectangles.map((one) => one.join(" ")).join(" · ") : t("clean")}
            </td>
            <td className="sec">{rule.made_by}</td>
            <td className="r">
              <Button dense variant="ghost" busy={remove.isPending} onClick={() => remove.mutate(rule.id)}>
                {t("removeRule")}
              </Button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
