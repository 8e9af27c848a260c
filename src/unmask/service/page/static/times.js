// Times in the reader's own zone and language; the server writes them in UTC.
const language = document.documentElement.lang;
const own = navigator.languages.find((one) => one.startsWith(language)) ?? language;
const format = new Intl.DateTimeFormat(own, { dateStyle: "medium", timeStyle: "short" });

for (const element of document.querySelectorAll("time[datetime]")) {
  const said = format.format(new Date(element.dateTime));
  element.title = element.matches(".age") ? said : element.dateTime;
  if (!element.matches(".age")) element.textContent = said;
}
