// What a page does by itself: it follows changes and counts time down. Without this script everything works by reloading.
'use strict';

(() => {
  const live = document.querySelectorAll('[data-live]');

  // Times that run out.
  const length = seconds =>
    seconds < 60 ? `${seconds} s`
      : seconds < 3600 ? `${Math.floor(seconds / 60)} min`
        : seconds < 172800 ? `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`
          : `${Math.floor(seconds / 86400)} days`;
  const tick = () => {
    for (const element of document.querySelectorAll('[data-until]')) {
      const left = Number(element.dataset.until) - Math.floor(Date.now() / 1000);
      element.textContent = left > 0 ? `in ${length(left)}` : 'over';
      element.classList.toggle('soon', left <= 60);
    }
  };
  if (document.querySelector('[data-until]') || live.length) setInterval(tick, 1000);

  // Putting a decision in twice by a double click.
  document.addEventListener('submit', event => {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = 'yes';
  });

  if (!live.length || !document.querySelector('.bar')) return;

  const label = document.getElementById('live');
  const say = (text, isLost) => {
    if (!label) return;
    label.hidden = false;
    label.textContent = text;
    label.classList.toggle('lost', isLost);
  };

  // What a person is writing stays as it is.
  const isBusy = element =>
    [...element.querySelectorAll('textarea')].some(field =>
      field === document.activeElement || field.value !== field.defaultValue);

  const replace = (old, fresh) => {
    if (old.innerHTML === fresh.innerHTML) return;
    const cards = [...old.children].filter(child => child.id);
    if (!cards.length && isBusy(old)) return;
    if (!cards.length || ![...fresh.children].some(child => child.id)) {
      if (!isBusy(old)) old.replaceChildren(...document.importNode(fresh, true).childNodes);
      return;
    }
    // A list: card by card, so that the one being written in stays under the hand.
    const kept = new Map(cards.map(card => [card.id, card]));
    const next = [...document.importNode(fresh, true).children].map(card => {
      const known = kept.get(card.id);
      return known && (isBusy(known) || known.outerHTML === card.outerHTML) ? known : card;
    });
    const wanted = new Set(next);
    for (const child of [...old.children]) {
      if (!wanted.has(child) && !isBusy(child)) child.remove();
      else if (!wanted.has(child)) child.classList.add('gone');
    }
    let place = old.firstElementChild;
    for (const child of next) {
      if (child === place) place = place.nextElementSibling;
      else old.insertBefore(child, place);
    }
  };

  let isLooking = false;
  let lookAgain = false;
  const look = async () => {
    if (isLooking) { lookAgain = true; return; }
    isLooking = true;
    try {
      const answer = await fetch(location.href, {
        headers: { 'X-Sluice-Refresh': '1' }, credentials: 'same-origin', redirect: 'manual',
      });
      if (answer.type === 'opaqueredirect') { location.reload(); return; }
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      for (const element of live) {
        const fresh = page.getElementById(element.id);
        if (fresh) {
          element.className = fresh.className;
          replace(element, fresh);
        }
      }
      tick();
      say('live', false);
    } catch (error) {
      say('not connected', true);
    } finally {
      isLooking = false;
      if (lookAgain) { lookAgain = false; look(); }
    }
  };

  // A stream where one is to be had, and a look every so often all the same: expiry is no event.
  let timer = setInterval(look, 10000);
  const source = new EventSource('/api/v1/approvals/stream');
  source.addEventListener('open', () => { say('live', false); look(); });
  source.addEventListener('approval', look);
  source.addEventListener('error', () => {
    clearInterval(timer);
    timer = setInterval(look, source.readyState === EventSource.CLOSED ? 2000 : 10000);
  });
  addEventListener('pagehide', () => source.close());
  tick();
})();
