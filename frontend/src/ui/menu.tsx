import {
  type CSSProperties,
  createContext,
  type KeyboardEvent,
  type ReactNode,
  useContext,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { Link } from "react-router";

interface MenuTrigger {
  onClick: () => void;
  "aria-haspopup": "menu";
  "aria-expanded": boolean;
  "aria-controls": string;
}

interface MenuProps {
  /** The button that opens it; spread what it is given. */
  trigger: (props: MenuTrigger) => ReactNode;
  width: number;
  /** Which edge of the button it keeps to. */
  align?: "start" | "end";
  /** When its opening is decided elsewhere (a key). */
  opened?: boolean;
  onOpenedChange?: (opened: boolean) => void;
  children: ReactNode;
}

const Close = createContext<() => void>(() => undefined);
const MARGIN = 8;

/** A list of commands under a button: arrows move, Enter does, Esc and a click elsewhere close. */
export function Menu({ trigger, width, align = "start", opened, onOpenedChange, children }: MenuProps) {
  const [own, setOwn] = useState(false);
  const isOpen = opened ?? own;
  const id = useId();
  const anchor = useRef<HTMLSpanElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState<CSSProperties>({ opacity: 0 });
  const set = (next: boolean) => {
    setOwn(next);
    onOpenedChange?.(next);
  };
  const button = () => anchor.current?.querySelector<HTMLElement>("button, a") ?? null;
  const close = () => {
    set(false);
    button()?.focus();
  };

  useLayoutEffect(() => {
    if (!isOpen || !anchor.current || !list.current) return;
    const at = anchor.current.getBoundingClientRect();
    const height = list.current.offsetHeight;
    const left = align === "start" ? at.left : at.right - width;
    const below = at.bottom + 4;
    const top = below + height > window.innerHeight - MARGIN ? Math.max(MARGIN, at.top - 4 - height) : below;
    setPlace({ top, left: Math.max(MARGIN, Math.min(left, window.innerWidth - width - MARGIN)) });
    itemsOf(list.current)[0]?.focus();
  }, [isOpen, align, width]);

  const dismiss = useRef(set);
  useEffect(() => {
    dismiss.current = set;
  });
  useEffect(() => {
    if (!isOpen) return;
    const elsewhere = (event: Event) => {
      const target = event.target as Node;
      if (!list.current?.contains(target) && !anchor.current?.contains(target)) dismiss.current(false);
    };
    const away = () => dismiss.current(false);
    document.addEventListener("pointerdown", elsewhere, true);
    window.addEventListener("resize", away);
    return () => {
      document.removeEventListener("pointerdown", elsewhere, true);
      window.removeEventListener("resize", away);
    };
  }, [isOpen]);

  const onKeyDown = (event: KeyboardEvent) => {
    const items = itemsOf(list.current);
    const now = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[(to + items.length) % items.length]?.focus();
    else if (event.key === "Escape") close();
    else if (event.key === "Tab") set(false);
    else return;
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it hears the keys of its button and its items, which have roles
    <span ref={anchor} style={{ display: "inline-flex" }} onKeyDown={isOpen ? onKeyDown : undefined}>
      {trigger({
        onClick: () => set(!isOpen),
        "aria-haspopup": "menu",
        "aria-expanded": isOpen,
        "aria-controls": id,
      })}
      {isOpen ? (
        <Close.Provider value={close}>
          <div ref={list} id={id} role="menu" className="menu" style={{ width, ...place }}>
            {children}
          </div>
        </Close.Provider>
      ) : null}
    </span>
  );
}

function itemsOf(list: HTMLElement | null): HTMLElement[] {
  return list ? [...list.querySelectorAll<HTMLElement>('[role="menuitem"]:not([aria-disabled="true"])')] : [];
}

interface MenuItemProps {
  icon?: ReactNode;
  right?: ReactNode;
  /** A page of ours. */
  to?: string;
  /** A page of the server. */
  href?: string;
  disabled?: boolean;
  danger?: boolean;
  lang?: string;
  onClick?: () => void;
  children: ReactNode;
}

export function MenuItem({ icon, right, to, href, disabled, danger, lang, onClick, children }: MenuItemProps) {
  const close = useContext(Close);
  const common = {
    role: "menuitem",
    tabIndex: -1,
    className: `menuitem${danger ? " danger" : ""}`,
    lang,
    onClick: () => {
      close();
      onClick?.();
    },
  };
  const content = (
    <>
      {icon}
      <span className="grow ell">{children}</span>
      {right}
    </>
  );
  if (to) {
    return (
      <Link to={to} {...common}>
        {content}
      </Link>
    );
  }
  if (href) {
    return (
      <a href={href} {...common}>
        {content}
      </a>
    );
  }
  return (
    <button type="button" {...common} disabled={disabled} aria-disabled={disabled || undefined}>
      {content}
    </button>
  );
}

export function MenuDivider() {
  return <hr className="menudivider" />;
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <div className="menulabel">{children}</div>;
}
