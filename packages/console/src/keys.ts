/** Keys of the whole console: `/` goes to what filters or searches the page. */
export function watchKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return;
    const field = document.querySelector<HTMLInputElement>("input[type=search]");
    if (field === null) return;
    event.preventDefault();
    field.focus();
  });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches("input, textarea, select");
}
