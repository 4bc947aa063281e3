import { IconLoader2 } from "@tabler/icons-react";
import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";
import { Link, type LinkProps } from "react-router";
import { Kbd } from "@/ui/kbd";

interface Look {
  /** Primary: one a page. Ghost: in rows and bars. Danger: its confirmation names the thing. */
  variant?: "default" | "primary" | "ghost" | "danger";
  /** 28 px instead of 32. */
  dense?: boolean;
  icon?: ReactNode;
  /** The key that does the same, shown inside the button. */
  kbd?: string;
}

const CLASS = { default: "", primary: " pri", ghost: " gh", danger: " danger" };
const classOf = ({ variant = "default", dense }: Look, extra = "") =>
  `btn${CLASS[variant]}${dense ? " d" : ""}${extra ? ` ${extra}` : ""}`;

interface ButtonProps extends Look, ButtonHTMLAttributes<HTMLButtonElement> {
  busy?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ variant, dense, icon, kbd, busy, className, children, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      className={classOf({ variant, dense }, className)}
    >
      {busy ? <IconLoader2 size={16} stroke={1.6} className="spin" /> : icon}
      {children}
      {kbd ? <Kbd>{kbd}</Kbd> : null}
    </button>
  );
}

interface LinkButtonProps extends Look, LinkProps {}

/** A way to another page that looks like a button. */
export function LinkButton({ variant, dense, icon, kbd, className, children, ...rest }: LinkButtonProps) {
  return (
    <Link {...rest} className={classOf({ variant, dense }, className)}>
      {icon}
      {children}
      {kbd ? <Kbd>{kbd}</Kbd> : null}
    </Link>
  );
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  label: string;
  on?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

/** 32 px, an icon alone; its name is said to screen readers and on hover. */
export function IconButton({ label, on, className, children, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      className={`tool${on ? " on" : ""}${className ? ` ${className}` : ""}`}
    >
      {children}
    </button>
  );
}
