/* Makes the forms a little kinder. Every page works without this file; nothing is kept in the browser. */
(function () {
  'use strict';

  function all(selector, root) {
    return Array.prototype.slice.call((root || document).querySelectorAll(selector));
  }

  function fill(text, values) {
    return String(text || '').replace(/\{(\w+)\}/g, function (whole, key) {
      return key in values ? values[key] : whole;
    });
  }

  /* ---- a second press on the same button sends nothing ---- */
  var GUARD_MS = 8000; // a download leaves the page standing: let go again
  document.addEventListener('submit', function (event) {
    var form = event.target;
    if (event.defaultPrevented || (form.method || '').toLowerCase() !== 'post') return;
    var now = Date.now();
    if (form.dataset.sentAt && now - Number(form.dataset.sentAt) < GUARD_MS) {
      event.preventDefault();
      return;
    }
    form.dataset.sentAt = String(now);
    form.setAttribute('aria-busy', 'true');
    setTimeout(function () { form.removeAttribute('aria-busy'); }, GUARD_MS);
  });
  window.addEventListener('pageshow', function (event) {
    if (!event.persisted) return;
    all('form').forEach(function (form) {
      delete form.dataset.sentAt;
      form.removeAttribute('aria-busy');
    });
  });

  /* ---- print ---- */
  all('[data-print]').forEach(function (button) {
    button.hidden = false;
    button.addEventListener('click', function () { window.print(); });
  });

  /* ---- leave this page: leaves no step to go back to ---- */
  all('[data-quick-exit]').forEach(function (link) {
    link.addEventListener('click', function (event) {
      event.preventDefault();
      document.documentElement.hidden = true;
      window.location.replace(link.href);
    });
  });

  /* ---- how many characters are left ---- */
  all('[data-counter]').forEach(function (field) {
    var shown = document.getElementById(field.id + '-teller');
    if (!shown) return;
    var limit = Number(field.dataset.counter);
    var spoken = document.createElement('span');
    spoken.className = 'ds-sr-only';
    spoken.setAttribute('aria-live', 'polite');
    shown.after(spoken);
    var timer = null;

    function update(speak) {
      var left = limit - Array.from(field.value).length;
      var text = fill(left < 0 ? shown.dataset.over : shown.dataset.under, {n: Math.abs(left)});
      shown.textContent = text;
      shown.dataset.state = left < 0 ? 'over' : 'under';
      clearTimeout(timer);
      if (speak && left < limit * 0.2) {
        timer = setTimeout(function () { spoken.textContent = text; }, 1200); // when the typing pauses
      }
    }
    field.addEventListener('input', function () { update(true); });
    update(false);
  });

  /* ---- search with suggestions: a combobox with a list ---- */
  all('[data-suggest]').forEach(function (input, index) {
    var box = input.closest('[data-suggest-box]') || input.parentElement;
    var chosen = document.createElement('input');
    chosen.type = 'hidden';
    chosen.name = input.dataset.suggestName;
    chosen.value = input.dataset.suggestValue || '';
    input.after(chosen);
    all('[data-suggest-fallback]', box).forEach(function (part) {
      // A choice made among the hits of an earlier search is kept.
      var list = part.matches('select') ? part : part.querySelector('select');
      if (list && list.value) {
        chosen.value = list.value;
        input.value = list.options[list.selectedIndex].textContent;
      }
      part.remove();
    });

    var list = document.createElement('ul');
    list.className = 'suggest-list';
    list.id = (input.id || 'forslag' + index) + '-forslag';
    list.setAttribute('role', 'listbox');
    var label = document.querySelector('label[for="' + input.id + '"]');
    if (label) {
      label.id = label.id || input.id + '-etikett';
      list.setAttribute('aria-labelledby', label.id);
    }
    list.hidden = true;
    var status = document.createElement('span');
    status.className = 'ds-sr-only';
    status.setAttribute('role', 'status');
    box.append(status);
    input.closest('.suggest-row, div').after(list);
    input.setAttribute('role', 'combobox');
    input.setAttribute('aria-autocomplete', 'list');
    input.setAttribute('aria-expanded', 'false');
    input.setAttribute('aria-controls', list.id);

    var active = -1;
    var timer = null;
    var turn = 0;
    var picked = chosen.value ? input.value : null;

    function close() {
      list.hidden = true;
      active = -1;
      input.setAttribute('aria-expanded', 'false');
      input.removeAttribute('aria-activedescendant');
    }

    function mark(position) {
      var options = all('li', list);
      if (!options.length) return;
      active = (position + options.length) % options.length;
      options.forEach(function (option, i) {
        option.setAttribute('aria-selected', String(i === active));
      });
      input.setAttribute('aria-activedescendant', options[active].id);
      options[active].scrollIntoView({block: 'nearest'});
    }

    function pick(option) {
      turn += 1; // answers still on their way are too late
      clearTimeout(timer);
      chosen.value = option.dataset.value;
      input.value = picked = option.textContent;
      status.textContent = '';
      close();
      input.dispatchEvent(new Event('change', {bubbles: true}));
    }

    function show(items) {
      list.replaceChildren();
      items.forEach(function (item, i) {
        var option = document.createElement('li');
        option.id = list.id + '-' + i;
        option.setAttribute('role', 'option');
        option.setAttribute('aria-selected', 'false');
        option.dataset.value = item.value;
        option.textContent = item.label;
        list.append(option);
      });
      active = -1;
      input.removeAttribute('aria-activedescendant');
      list.hidden = !items.length;
      input.setAttribute('aria-expanded', String(items.length > 0));
      status.textContent = fill(items.length ? input.dataset.suggestSome : input.dataset.suggestNone, {n: items.length});
    }

    function ask() {
      var text = input.value.trim();
      var mine = ++turn;
      if (text.length < 2) {
        close();
        status.textContent = '';
        return;
      }
      var url = new URL(input.dataset.suggest, window.location.href);
      url.searchParams.set('q', text);
      fetch(url, {headers: {Accept: 'application/json'}, credentials: 'same-origin'})
        .then(function (answer) {
          if (!answer.ok) throw new Error(String(answer.status));
          return answer.json();
        })
        .then(function (items) { if (mine === turn && document.activeElement === input) show(items); })
        .catch(function () { if (mine === turn) close(); });
    }

    input.addEventListener('input', function () {
      if (input.value !== picked) {
        chosen.value = '';
        picked = null;
      }
      clearTimeout(timer);
      timer = setTimeout(ask, 200);
    });
    input.addEventListener('keydown', function (event) {
      if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
        if (list.hidden) { ask(); } else { mark(event.key === 'ArrowDown' ? active + 1 : (active < 0 ? -1 : active - 1)); }
        event.preventDefault();
      } else if (event.key === 'Enter' && !list.hidden && active >= 0) {
        event.preventDefault();
        pick(list.children[active]);
      } else if (event.key === 'Escape' && !list.hidden) {
        event.preventDefault();
        close();
      }
    });
    input.addEventListener('blur', function () { close(); });
    list.addEventListener('pointerdown', function (event) { event.preventDefault(); }); // the field keeps the focus
    list.addEventListener('click', function (event) {
      var option = event.target.closest('[role=option]');
      if (option) pick(option);
    });
  });

  /* ---- drafts: saved with the server while one writes ---- */
  all('form[data-draft]').forEach(function (form) {
    var WAIT_MS = 4000;
    var status = form.querySelector('[data-draft-status]') || document.querySelector('[data-draft-status]');
    var timer = null;
    var dirty = false;
    var busy = false;
    var sent = false;

    function fields() {
      var data = new URLSearchParams();
      new FormData(form).forEach(function (value, key) {
        if (typeof value === 'string') data.append(key, value); // files are not part of a draft
      });
      return data;
    }

    function later() {
      clearTimeout(timer);
      timer = setTimeout(save, WAIT_MS);
    }

    function say(key, values) {
      if (status) status.textContent = fill(status.dataset[key], values);
    }

    function save() {
      if (!dirty || busy || sent) return;
      dirty = false;
      busy = true;
      fetch(form.dataset.draft, {method: 'POST', body: fields(), credentials: 'same-origin', headers: {Accept: 'application/json'}})
        .then(function (answer) {
          // A redirect means the login page: nothing was saved.
          if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
          var now = new Date();
          say('saved', {time: String(now.getHours()).padStart(2, '0') + '.' + String(now.getMinutes()).padStart(2, '0')});
        })
        .catch(function () {
          dirty = true;
          say('failed', {});
        })
        .finally(function () {
          busy = false;
          if (dirty && !sent) later();
        });
    }

    function changed() {
      dirty = true;
      later();
    }
    form.addEventListener('input', changed);
    form.addEventListener('change', changed);
    form.addEventListener('submit', function (event) {
      if (!event.defaultPrevented) {
        sent = true;
        clearTimeout(timer);
      }
    });
    window.addEventListener('pageshow', function () { sent = false; });
    window.addEventListener('pagehide', function () {
      if (!dirty || sent) return;
      dirty = false;
      var data = fields();
      if (!(navigator.sendBeacon && navigator.sendBeacon(form.dataset.draft, data))) {
        fetch(form.dataset.draft, {method: 'POST', body: data, credentials: 'same-origin', keepalive: true}).catch(function () {});
      }
    });
  });
})();
