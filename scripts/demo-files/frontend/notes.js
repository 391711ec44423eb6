const note = document.getElementById("note");
const count = document.getElementById("count");

function show() {
  const words = note.value.trim().split(/\s+/).filter(Boolean).length;
  count.textContent = words === 1 ? "1 word" : `${words} words`;
}

note.value = localStorage.getItem("note") ?? "";
note.addEventListener("input", () => {
  localStorage.setItem("note", note.value);
  show();
});
show();
