import { IconKey, IconLock, IconLogout } from "@tabler/icons-react";
import { lazy, Suspense, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { cookie } from "@/lib/api-client";
import type { Me } from "@/lib/api-types";
import { soon } from "@/lib/soon";
import { Menu, MenuDivider, MenuItem, MenuLabel } from "@/ui/menu";

const SignOutDialog = lazy(() => import("@/app/sign-out-dialog"));

const PATIENCE_MS = 5000;

/** Tokens, password, sign out. Signing out is a POST: a link could be followed by a prefetch. */
export function PersonMenu({ me }: { me: Me }) {
  const { t } = useTranslation();
  const form = useRef<HTMLFormElement>(null);
  const token = useRef<HTMLInputElement>(null);
  const [unsent, setUnsent] = useState<string[]>([]);
  /** What readings keep on this device goes with the session; unsent marks only after a yes. */
  const signOut = async (confirmed: boolean) => {
    try {
      const { journal } = await soon(import("@/features/reading/state/journal"), PATIENCE_MS);
      const left = await soon(journal.entriesOf(me.username), PATIENCE_MS);
      if (left.length > 0 && !confirmed) {
        setUnsent([...new Set(left.map((entry) => entry.caseName))]);
        return;
      }
      await soon(journal.purge(me.username), PATIENCE_MS);
    } catch {
      // The device's store or the page's own code cannot be had; the browser's question needs neither.
      if (!confirmed && !window.confirm(t("person.unsentUnknown"))) return;
    }
    // The cookie may have been renewed since the page was drawn.
    if (token.current) token.current.value = cookie("csrftoken");
    form.current?.submit();
  };
  return (
    <>
      <form ref={form} method="post" action="/accounts/logout/" hidden>
        <input ref={token} type="hidden" name="csrfmiddlewaretoken" />
      </form>
      <Menu
        width={220}
        align="end"
        trigger={(props) => (
          <button
            type="button"
            className="av"
            aria-label={`${me.initials}: ${t("person.menu", { name: me.full_name || me.username })}`}
            {...props}
          >
            {me.initials}
          </button>
        )}
      >
        <MenuLabel>{me.full_name || me.username}</MenuLabel>
        <MenuItem to="/tokens" icon={<IconKey size={16} stroke={1.6} />}>
          {t("person.tokens")}
        </MenuItem>
        <MenuItem href="/accounts/password/change/" icon={<IconLock size={16} stroke={1.6} />}>
          {t("person.password")}
        </MenuItem>
        <MenuDivider />
        <MenuItem onClick={() => void signOut(false)} icon={<IconLogout size={16} stroke={1.6} />}>
          {t("person.signOut")}
        </MenuItem>
      </Menu>
      {unsent.length > 0 ? (
        <Suspense fallback={null}>
          <SignOutDialog cases={unsent} onConfirm={() => void signOut(true)} onClose={() => setUnsent([])} />
        </Suspense>
      ) : null}
    </>
  );
}
