/** The session ran out: sign in again in place; what was kept is then sent. */
import { IconPlugConnectedX } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { ME } from "@/lib/me";
import { Button } from "@/ui/button";
import { signInAgain } from "../api/reading-api";
import { useSaveStatus, useSession } from "../state/session-context";

export function SignInStrip() {
  const { t } = useTranslation("reading");
  const { queue, user } = useSession();
  const client = useQueryClient();
  const isOut = useSaveStatus().kind === "signed_out";
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (!isOut) return;
    // Signed in in another tab meanwhile.
    const again = () => queue.resume();
    window.addEventListener("focus", again);
    return () => window.removeEventListener("focus", again);
  }, [isOut, queue]);
  if (!isOut) return null;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const refused = await signInAgain(user, password).catch(() => t("signedOut.unreachable"));
    setBusy(false);
    setPassword("");
    setProblem(refused);
    if (refused) return;
    queue.resume();
    void client.invalidateQueries({ queryKey: ME });
  };
  return (
    <form className="alert warn rr-strip rr-sign-in" role="alert" onSubmit={(event) => void submit(event)}>
      <IconPlugConnectedX size={18} stroke={1.6} />
      <b className="b nw">{t("signedOut.title")}</b>
      <span className="ell">{problem ?? t("signedOut.kept")}</span>
      <span className="grow" />
      <label className="nw sm" htmlFor="rr-password">
        {t("signedOut.password", { user })}
      </label>
      <input type="hidden" name="username" autoComplete="username" value={user} readOnly />
      <span className="in d">
        <input
          id="rr-password"
          type="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
      </span>
      <Button dense type="submit" busy={busy} kbd="↵">
        {t("signedOut.signIn")}
      </Button>
    </form>
  );
}
