// Puts the viewer of the API's document on the page, in the page's colours.
const place = document.getElementById("explorer");
const dark = matchMedia("(prefers-color-scheme: dark)");
const colours = () => dark.matches
  ? { "bg-color": "#151917", "text-color": "#e8ece9", "nav-bg-color": "#1d2320", "nav-text-color": "#e8ece9", "primary-color": "#8cc7b3", "secondary-color": "#8cc7b3" }
  : { "bg-color": "#fbfbf9", "text-color": "#1c2420", "nav-bg-color": "#ffffff", "nav-text-color": "#1c2420", "primary-color": "#2f5d50", "secondary-color": "#2f5d50" };

const explorer = document.createElement("openapi-explorer");
const settings = {
  "spec-url": "/openapi.yaml",
  "server-url": location.origin,
  "fetch-credentials": "same-origin", // calls go out in the present session
  "hide-authentication": "true",      // it cannot set that cookie, and need not
  "hide-server-selection": "true",
  "collapse": "true",
  // What the address names, or the introduction: the viewer would show nothing.
  "explorer-location": new URLSearchParams(location.hash.slice(1)).get("route") ?? "overview",
  "language": "en",
};
const set = values => Object.entries(values).forEach(([name, value]) => explorer.setAttribute(name, value));
set(settings);
set(colours());
dark.addEventListener("change", () => set(colours()));

// The page has one main part, and the viewer is within it.
explorer.addEventListener("spec-loaded", async () => {
  await explorer.updateComplete;
  explorer.shadowRoot.querySelector("main")?.setAttribute("role", "presentation");
});

await import(place.dataset.viewer);
place.replaceWith(explorer);
