import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@/styles/fonts.css";
import "@mantine/core/styles.css";
import "@/styles/tokens.css";
import "@/styles/base.css";
import { Providers } from "@/app/providers";
import { AppRouter } from "@/app/router";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <Providers>
      <AppRouter />
    </Providers>
  </StrictMode>,
);
