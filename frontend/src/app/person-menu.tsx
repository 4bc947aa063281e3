import { IconKey, IconLock, IconLogout } from "@tabler/icons-react";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { cookie } from "@/lib/api-client";
import type { Me } from "@/lib/api-types";
import { Menu, MenuDivider, MenuItem, MenuLabel } from "@/ui/menu";

/** Tokens, password, sign out. Signing out is a POST: a link could be followed by a prefetch. */
export function PersonMenu({ me }: { me: Me }) {
  const { t } = useTranslation();
  const form = useRef<HTMLFormElement>(null);
  const token = useRef<HTMLInputElement>(null);
  const signOut = () => {
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
            aria-label={t("person.menu", { name: me.full_name || me.username })}
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
        <MenuItem onClick={signOut} icon={<IconLogout size={16} stroke={1.6} />}>
          {t("person.signOut")}
        </MenuItem>
      </Menu>
    </>
  );
}
