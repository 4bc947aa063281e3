import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, Suspense } from "react";
import { FirstPaint } from "@/app/first-paint";
import { cssVariablesResolver, theme } from "@/app/theme";
import "@/lib/i18n";
import { queryClient } from "@/lib/query-client";

/** Everything that a page may rely on: theme, server state, words. */
export function Providers({ children }: { children: ReactNode }) {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariablesResolver} forceColorScheme="dark">
      <QueryClientProvider client={queryClient}>
        <Suspense fallback={<FirstPaint />}>{children}</Suspense>
      </QueryClientProvider>
    </MantineProvider>
  );
}
