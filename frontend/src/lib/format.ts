/** Numbers, times and sizes as every page writes them: tabular, with a true minus and no-break spaces. */
import { currentLanguage, type Language } from "@/lib/i18n";

const MINUS = "−";
const NBSP = "\u00a0";
export const DASH = "—";

/** `places` decimals with a true minus; a value that is not finite is an error, never a dash. */
export function decimal(value: number, places = 2): string {
  if (!Number.isFinite(value)) throw new Error(`Not a number: ${value}`);
  const text = Math.abs(value).toFixed(places);
  return value < 0 && Number(text) !== 0 ? MINUS + text : text;
}

/** With its sign, for differences: +0.033, −0.014. */
export function signed(value: number, places = 2): string {
  const text = decimal(value, places);
  return value > 0 && Number(text) !== 0 ? `+${text}` : text;
}

/** 10,000 in both languages. */
export function count(value: number): string {
  const digits = Math.abs(Math.round(value)).toString();
  const grouped = digits.replace(/\B(?=(\d{3})+$)/g, ",");
  return value < 0 ? MINUS + grouped : grouped;
}

/** A share of one as "59 %". */
export function percent(share: number, places = 0): string {
  return `${decimal(share * 100, places)}${NBSP}%`;
}

/** "21 mm": a number and its unit never part at a line end. */
export function withUnit(value: string | number, unit: string): string {
  return `${typeof value === "number" ? count(value) : value}${NBSP}${unit}`;
}

export interface Interval {
  value: number | null;
  low: number | null;
  high: number | null;
}

/** "0.71 [0.64, 0.77]": the value with its interval, same decimals; null when there is no value. */
export function interval({ value, low, high }: Interval, places = 2, sign = false): string | null {
  if (value === null) return null;
  const write = sign ? signed : decimal;
  const head = write(value, places);
  if (low === null || high === null) return head;
  return `${head} [${write(low, places)}, ${write(high, places)}]`;
}

/** "n=48". Patients, unless the text beside it says otherwise. */
export function nOf(n: number): string {
  return `n=${count(n)}`;
}

/** 1:12 for short, 1:02:03 for long. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

const UNITS: Record<Language, { h: string; min: string; s: string }> = {
  en: { h: "h", min: "min", s: "s" },
  zh: { h: "小时", min: "分", s: "秒" },
};

/** "2 min 04 s", "41 s", "3 h 05 min": two units at most. */
export function duration(seconds: number, language: Language = currentLanguage()): string {
  const unit = UNITS[language];
  const whole = Math.max(0, Math.round(seconds));
  const pad = (value: number) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole}${NBSP}${unit.s}`;
  if (whole < 3600) return `${Math.floor(whole / 60)}${NBSP}${unit.min} ${pad(whole % 60)}${NBSP}${unit.s}`;
  const minutes = Math.round(whole / 60);
  return `${count(Math.floor(minutes / 60))}${NBSP}${unit.h} ${pad(minutes % 60)}${NBSP}${unit.min}`;
}

/** "58 kB", "8.2 MB": decimal units, one decimal below ten. */
export function bytes(size: number): string {
  const steps: [number, string][] = [
    [1e9, "GB"],
    [1e6, "MB"],
    [1e3, "kB"],
  ];
  for (const [step, unit] of steps) {
    if (size >= step) {
      const value = size / step;
      return `${decimal(value, value < 10 ? 1 : 0)}${NBSP}${unit}`;
    }
  }
  return `${size}${NBSP}B`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** "22 Nov", "11 月 22 日"; with the year 2026-11-22 when it is another one. */
export function day(iso: string | Date, language: Language = currentLanguage(), now: Date = new Date()): string {
  const date = new Date(iso);
  if (date.getFullYear() !== now.getFullYear()) return isoDay(date);
  if (language === "zh") return `${date.getMonth() + 1}${NBSP}月${NBSP}${date.getDate()}${NBSP}日`;
  return `${date.getDate()}${NBSP}${MONTHS[date.getMonth()]}`;
}

/** 2026-11-22, in the reader's own time zone. */
export function isoDay(iso: string | Date): string {
  const date = new Date(iso);
  const pad = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

/** 09:12 (24 h), with seconds 09:12:04. */
export function time(iso: string | Date, seconds = false): string {
  const date = new Date(iso);
  const pad = (value: number) => String(value).padStart(2, "0");
  const short = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  return seconds ? `${short}:${pad(date.getSeconds())}` : short;
}

/** "22 Nov, 09:31". */
export function dayTime(iso: string | Date, language: Language = currentLanguage()): string {
  return language === "zh" ? `${day(iso, language)} ${time(iso)}` : `${day(iso, language)}, ${time(iso)}`;
}

/** "just now", "4 min ago", "3 h ago", "yesterday", else the day. */
export function ago(iso: string, language: Language = currentLanguage(), now: Date = new Date()): string {
  const then = new Date(iso);
  const seconds = (now.getTime() - then.getTime()) / 1000;
  const zh = language === "zh";
  if (seconds < 60) return zh ? "刚刚" : "just now";
  if (seconds < 3600) {
    const minutes = Math.floor(seconds / 60);
    return zh ? `${minutes}${NBSP}分钟前` : `${minutes}${NBSP}min ago`;
  }
  if (isoDay(then) === isoDay(now)) {
    const hours = Math.floor(seconds / 3600);
    return zh ? `${hours}${NBSP}小时前` : `${hours}${NBSP}h ago`;
  }
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (isoDay(then) === isoDay(yesterday)) return zh ? "昨天" : "yesterday";
  return day(then, language, now);
}

/** Cut in the middle, where paths and ids differ least: "cornerstone3d/CT…cess6.dcm". */
export function middle(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const tail = Math.floor((longest - 1) / 2);
  return `${text.slice(0, longest - 1 - tail)}…${text.slice(text.length - tail)}`;
}
