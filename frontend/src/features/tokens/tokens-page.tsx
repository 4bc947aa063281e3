import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useRevokeToken, useTokens } from "@/features/tokens/api/tokens";
import { NewTokenCard } from "@/features/tokens/components/new-token-card";
import type { Token } from "@/lib/api-types";
import { dayTime } from "@/lib/format";
import { Button } from "@/ui/button";
import { Card } from "@/ui/card";
import { Chip } from "@/ui/chip";
import { ConfirmDialog } from "@/ui/confirm-dialog";
import { ErrorState } from "@/ui/error-state";
import { LoadingRows } from "@/ui/loading-rows";
import { PageHead } from "@/ui/page-head";

export default function TokensPage() {
  const { t } = useTranslation("tokens");
  const tokens = useTokens();
  const revoke = useRevokeToken();
  const [leaving, setLeaving] = useState<Token | null>(null);
  return (
    <>
      <PageHead title={t("title")} note={t("note")} />
      <NewTokenCard />
      <Card bare style={{ flex: "none" }}>
        {tokens.isError ? (
          <ErrorState error={tokens.error} retry={() => void tokens.refetch()} />
        ) : tokens.isPending ? (
          <LoadingRows rows={3} height={42} />
        ) : tokens.data.length === 0 ? (
          <p className="q" style={{ padding: 16 }}>
            {t("none")}
          </p>
        ) : (
          <table style={{ "--rh": "42px" } as React.CSSProperties}>
            <thead>
              <tr>
                <th>{t("name")}</th>
                <th>{t("begins")}</th>
                <th>{t("scopes")}</th>
                <th>{t("made")}</th>
                <th>{t("used")}</th>
                <th>{t("ends")}</th>
                <th aria-label={t("revoke")} />
              </tr>
            </thead>
            <tbody>
              {tokens.data.map((token) => (
                <tr key={token.id}>
                  <td className="b">{token.name}</td>
                  <td className="mono sec">{token.prefix}…</td>
                  <td className="wrap sec sm">
                    {token.scopes.map((scope) => (scope === "*" ? t("everything") : scope)).join(", ")}
                  </td>
                  <td className="sec num">{dayTime(token.created_at)}</td>
                  <td className="sec num">{token.last_used_at ? dayTime(token.last_used_at) : t("never")}</td>
                  <td className="sec num">{token.expires_at ? dayTime(token.expires_at) : t("noEnd")}</td>
                  <td className="r">
                    {token.revoked_at ? (
                      <Chip>{t("revoked")}</Chip>
                    ) : (
                      <Button dense variant="danger" onClick={() => setLeaving(token)}>
                        {t("revoke")}
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Card>
      <ConfirmDialog
        opened={leaving !== null}
        title={t("revokeTitle", { name: leaving?.name ?? "" })}
        action={t("revokeAction", { name: leaving?.name ?? "" })}
        danger
        busy={revoke.isPending}
        error={revoke.error}
        onClose={() => setLeaving(null)}
        onConfirm={() => leaving && revoke.mutate(leaving.id, { onSuccess: () => setLeaving(null) })}
      >
        {t("revokeNote")}
      </ConfirmDialog>
    </>
  );
}
