// @vitest-environment jsdom
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, expect, it, vi } from "vitest";
import { useUpdateMe } from "@/lib/me";
import { useUnkept } from "./use-unkept";

const say = vi.fn();
let keep: ReturnType<typeof useUpdateMe>["mutate"];

function Room() {
  useUnkept({ say });
  keep = useUpdateMe().mutate;
  return null;
}

async function kept(change: Parameters<typeof keep>[0], status: number): Promise<void> {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  vi.stubGlobal(
    "fetch",
    async () => new Response("{}", { status, headers: { "Content-Type": "application/json" } }),
  );
  const root = createRoot(document.createElement("div"));
  const client = new QueryClient({ defaultOptions: { mutations: { retry: false } } });
  await act(async () =>
    root.render(
      <QueryClientProvider client={client}>
        <Room />
      </QueryClientProvider>,
    ),
  );
  await act(async () => keep(change));
  await act(async () => void (await new Promise((done) => setTimeout(done, 20))));
  await act(async () => root.unmount());
}

afterEach(() => {
  vi.unstubAllGlobals();
  say.mockReset();
});

it("tells that how the room is arranged did not get to the account", async () => {
  await kept({ room: { linked: true } }, 500);
  expect(say.mock.calls).toEqual([["unkept"]]);
});

it("says nothing when it did, nor of anything else that is changed there", async () => {
  await kept({ room: { linked: true } }, 200);
  await kept({ tour_seen: true }, 500);
  expect(say).not.toHaveBeenCalled();
});
