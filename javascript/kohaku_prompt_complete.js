// Completion of tags in the prompt boxes.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const ASK_AFTER = 60;
    let popup = null;
    let box = null;
    let found = null;
    let active = -1;
    let timer = 0;

    function close() {
        clearTimeout(timer);
        prompt.forget('complete');
        if (popup) popup.hidden = true;
        if (box) box.removeAttribute('aria-activedescendant');
        found = null;
    }

    function describe(hit) {
        const notes = [];
        if (hit.match === 'typo') notes.push('did you mean');
        else if (hit.matched) notes.push('for ' + hit.matched.replaceAll('_', ' '));
        if (hit.present) notes.push('already there');
        if (hit.category === 'artist' && hit.strength !== 'works' && hit.posts) notes.push(hit.strength);
        return notes.join(', ');
    }

    function row(hit, index) {
        const element = prompt.make('div', {
            class: 'kohaku-popup-item kohaku-kind-' + hit.category + (hit.match === 'typo' ? ' kohaku-typo' : ''),
            id: 'kohaku_prompt_popup_' + index,
            role: 'option',
            'aria-selected': String(index === active)
        },
        prompt.make('span', {class: 'kohaku-prompt-tag'}, hit.label),
        prompt.make('span', {class: 'kohaku-prompt-note'}, describe(hit)),
        prompt.make('span', {class: 'kohaku-prompt-kind'}, prompt.kind(hit.category)),
        prompt.make('span', {class: 'kohaku-prompt-posts', title: 'Posts that have this tag'}, prompt.count(hit.posts)));
        element.addEventListener('mousedown', function(event) {
            event.preventDefault();
            accept(index);
        });
        return element;
    }

    function mark(index) {
        active = index;
        for (const [number, element] of [...popup.children].entries()) {
            element.setAttribute('aria-selected', String(number === index));
        }
        const chosen = popup.children[index];
        if (!chosen) return;
        // Not scrollIntoView: it would scroll the page as well.
        const below = chosen.offsetTop + chosen.offsetHeight - popup.clientHeight;
        popup.scrollTop = Math.max(below, Math.min(popup.scrollTop, chosen.offsetTop));
        box.setAttribute('aria-activedescendant', chosen.id);
    }

    function show(answer) {
        found = answer;
        // A guess at a slip is not chosen before somebody chooses it: Enter is still a new line.
        active = answer.hits[0].match === 'typo' ? -1 : 0;
        popup.replaceChildren(...answer.hits.map(row));
        popup.hidden = false;
        settle();
        mark(active);
        popup.scrollTop = 0;
    }

    // Beside the word, also when the page moves under it.
    function settle() {
        const place = kohaku.caretPlace(box, prompt.text.units(box.value, found.start));
        const room = document.documentElement.clientWidth - popup.offsetWidth - 8;
        const below = place.bottom + 4 + popup.offsetHeight <= window.innerHeight || place.top < popup.offsetHeight;
        popup.style.left = Math.max(8, Math.min(place.left, room)) + 'px';
        popup.style.top = (below ? place.bottom + 4 : place.top - popup.offsetHeight - 4) + 'px';
    }

    function ask() {
        const asked = {text: box.value, caret: box.selectionEnd, box: box};
        prompt.ask('complete', prompt.asked({
            prompt: asked.text,
            caret: prompt.text.points(asked.text, asked.caret),
            negative: asked.box === prompt.element('negative')
        }), 'complete').then(function(answer) {
            const stale = box !== asked.box || box.value !== asked.text || box.selectionEnd !== asked.caret;
            if (stale || document.activeElement !== box) return;
            if (answer.hits.length) show(answer);
            else close();
        }).catch((error) => error.name !== 'AbortError' && close());
    }

    function accept(index) {
        const hit = found && found.hits[index];
        if (!hit) return;
        const start = prompt.text.units(box.value, found.start);
        const end = prompt.text.units(box.value, found.end);
        const target = box;
        const suffix = box.dataset.kohakuCompletes === 'one' ? '' : found.suffix;
        close();
        prompt.text.insert(target, start, end, hit.insert + suffix);
        prompt.ask('used', {tags: [hit.name]}).catch(() => {});
        target.dispatchEvent(new CustomEvent('kohaku-accepted', {bubbles: true, detail: hit}));
    }

    function onKey(event) {
        if (event.isComposing || !event.target.dataset || event.target.dataset.kohakuCompletes === undefined) return;
        if (event.key === ' ' && event.ctrlKey) {
            box = event.target;
            ask();
        } else if (!found) {
            return;
        } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
            if (event.ctrlKey || event.altKey) return;
            const step = event.key === 'ArrowDown' ? 1 : -1;
            mark((active + step + found.hits.length) % found.hits.length);
        } else if (event.key === 'Tab' && !event.shiftKey) {
            accept(Math.max(active, 0));
        } else if (event.key === 'Enter' && active >= 0 && !event.shiftKey && !event.ctrlKey) {
            accept(active);
        } else if (event.key === 'Escape') {
            close();
        } else {
            return;
        }
        event.preventDefault();
        event.stopPropagation();
    }

    function onInput(event) {
        if (event.target.dataset.kohakuCompletes === undefined || prompt.text.isWriting()) return;
        // Only for typing: texts that are put in or pasted must not open a list.
        if (!event.isTrusted || (event.inputType || '').startsWith('insertFrom') || event.isComposing) return close();
        box = event.target;
        clearTimeout(timer);
        timer = setTimeout(ask, ASK_AFTER);
    }

    prompt.pieces.push({
        start: function(page) {
            popup = prompt.make('div', {class: 'kohaku-popup kohaku-prompt-popup', id: 'kohaku_prompt_popup', role: 'listbox'});
            popup.hidden = true;
            page.append(popup);
            page.addEventListener('keydown', onKey, true);
            page.addEventListener('input', onInput);
            page.addEventListener('focusout', (event) => event.target === box && close());
            const moved = (event) => found && event.target !== popup && settle();
            window.addEventListener('scroll', moved, {passive: true, capture: true});
            window.addEventListener('resize', moved, {passive: true});
            // Tags are no words to translate.
            for (const id of ['popup', 'parts', 'diff', 'presets', 'captions', 'chunks', 'negative_chunks']) {
                if (window.ignore_ids_for_localization) window.ignore_ids_for_localization['kohaku_prompt_' + id] = 'SPAN';
            }
        }
    });
})();
