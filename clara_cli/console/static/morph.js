// Makes the children of one element those of another, touching only what differs: focus, selection, scroll positions
// and open details stay. Elements with an id are matched by it.
export function morph(from, to) {
  const ids = new Map([...from.children].filter((child) => child.id).map((child) => [child.id, child]));
  let place = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const known = wanted.id ? ids.get(wanted.id) : undefined;
    if (known) {
      if (known !== place) from.insertBefore(known, place);
      place = known.nextSibling;
      update(known, wanted);
    } else if (place && !place.id && alike(place, wanted)) {
      const next = place.nextSibling;
      update(place, wanted);
      place = next;
    } else {
      from.insertBefore(document.importNode(wanted, true), place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function alike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && !other.id;
}

function update(known, wanted) {
  if (known.nodeType !== Node.ELEMENT_NODE) {
    if (known.nodeValue !== wanted.nodeValue) known.nodeValue = wanted.nodeValue;
    return;
  }
  if (known.hasAttribute("data-keep")) return;
  for (const { name, value } of [...wanted.attributes]) {
    if (known.getAttribute(name) !== value) known.setAttribute(name, value);
  }
  for (const { name } of [...known.attributes]) {
    const own = name === "open" && known.nodeName === "DETAILS";
    if (!own && !wanted.hasAttribute(name)) known.removeAttribute(name);
  }
  morph(known, wanted);
}
