import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/lib/api-client";
import type { Delivery, Webhook, WebhookChange } from "@/lib/api-types";

const key = (slug: string) => ["webhooks", slug] as const;
const root = (slug: string) => `/projects/${slug}/webhooks/`;

/** The webhooks; asked again while something is on its way, for that tells whether one fails. */
export function useWebhooks(slug: string) {
  return useQuery({
    queryKey: key(slug),
    queryFn: ({ signal }) => api.get<Webhook[]>(root(slug), { signal }),
    refetchInterval: (query) => (query.state.data?.some((one) => one.pending > 0) ? 2000 : false),
  });
}

/** The log; asked again while something waits for its attempt. */
export function useDeliveries(slug: string, id: string) {
  return useQuery({
    queryKey: [...key(slug), id],
    queryFn: ({ signal }) => api.get<Delivery[]>(`${root(slug)}${id}/deliveries/`, { signal }),
    refetchInterval: (query) => (query.state.data?.some((one) => one.state === "pending") ? 2000 : false),
  });
}

export interface NewWebhook {
  url: string;
  events: string[];
}

function useChange<Given, Told = unknown>(slug: string, write: (given: Given) => Promise<Told>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: write,
    onSuccess: () => client.invalidateQueries({ queryKey: key(slug) }),
  });
}

export const useCreateWebhook = (slug: string) =>
  useChange(slug, (wanted: NewWebhook) => api.post<Webhook & { secret: string }>(root(slug), wanted));

export const useUpdateWebhook = (slug: string) =>
  useChange(slug, ({ id, change }: { id: string; change: WebhookChange }) =>
    api.patch<Webhook>(`${root(slug)}${id}/`, change),
  );

export const useDeleteWebhook = (slug: string) =>
  useChange(slug, (id: string) => api.delete(`${root(slug)}${id}/`));

export const useTestWebhook = (slug: string) =>
  useChange(slug, (id: string) => api.post<Delivery>(`${root(slug)}${id}/test/`, {}));

export const useRedeliver = (slug: string) =>
  useChange(slug, ({ id, delivery }: { id: string; delivery: string }) =>
    api.post<Delivery>(`${root(slug)}${id}/deliveries/${delivery}/redeliver/`, {}),
  );
