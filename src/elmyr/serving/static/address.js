// Where the page stands: a tab and its values, in the part of the address behind #, so that a link leads there again.

export function standing() {
  const [tab, query = ""] = location.hash.slice(1).split("?");
  return { tab, values: Object.fromEntries(new URLSearchParams(query)) };
}

export function linkTo(tab, values) {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== "" && value !== undefined));
  return `#${tab}${query.size ? `?${query}` : ""}`;
}

// Without an entry in the history: the back key leaves the page, not the last number.
export function stand(tab, values) {
  if (standing().tab === tab) history.replaceState(null, "", linkTo(tab, values));
}
