import { Menu } from "@mantine/core";
import { IconKey, IconLock, IconLogout } from "@tabler/icons-react";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { cookie } from "@/lib/api-client";
import type { Me } from "@/lib/api-types";

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
      <Menu position="bottom-end" width={220}>
        <Menu.Target>
          <button
            type="button"
            className="av"
            aria-label={t("person.menu", { name: me.full_name || me.username })}
          >
            {me.initials}
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{me.full_name || me.username}</Menu.Label>
          <Menu.Item component={Link} to="/tokens" leftSection={<IconKey size={16} stroke={1.6} />}>
            {t("person.tokens")}
          </Menu.Item>
          <Menu.Item
            component="a"
            href="/accounts/password/change/"
            leftSection={<IconLock size={16} stroke={1.6} />}
          >
            {t("person.password")}
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item onClick={signOut} leftSection={<IconLogout size={16} stroke={1.6} />}>
            {t("person.signOut")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
