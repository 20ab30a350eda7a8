// Completion of tags in text boxes: those of the page, and the webui's own if that is wanted.
//
// The list hangs outside of the webui's element, so that showing it does not wake everybody who watches that for
// changes, which in a webui with extensions costs more than the list itself.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const ASK_AFTER = 60;
    const LEAVING = ['ArrowLeft', 'ArrowRight', 'Home', 'End', 'PageUp', 'PageDown'];
    let popup = null;
    let box = null;
    let watched = null;
    // What is listed: the answer, and the text and caret that it is for.
    let found = null;
    let active = -1;
    let timer = 0;

    function close() {
        clearTimeout(timer);
        prompt.forget('complete');
        if (popup) popup.hidden = true;
        for (const name of ['activedescendant', 'controls']) if (box) box.removeAttribute('aria-' + name);
        if (found) follow(false);
        found = null;
    }

    function describe(hit) {
        const notes = [];
        if (hit.match === 'typo') notes.push(prompt.translated('did you mean'));
        else if (hit.matched) notes.push(prompt.translated('for') + ' ' + hit.matched.replaceAll('_', ' '));
        if (hit.present) notes.push(prompt.translated('already there'));
        if (hit.category === 'artist' && hit.strength !== 'works' && hit.posts) notes.push(prompt.translated(hit.strength));
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
        prompt.make('span', {class: 'kohaku-prompt-kind'}, prompt.translated(prompt.kind(hit.category))),
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
        box.removeAttribute('aria-activedescendant');
        if (!chosen) return;
        // Not scrollIntoView: it would scroll the page as well.
        const below = chosen.offsetTop + chosen.offsetHeight - popup.clientHeight;
        popup.scrollTop = Math.max(below, Math.min(popup.scrollTop, chosen.offsetTop));
        box.setAttribute('aria-activedescendant', chosen.id);
    }

    function make() {
        const layer = prompt.make('div', {id: 'kohaku_outside'});
        popup = prompt.make('div', {class: 'kohaku-popup kohaku-prompt-popup', id: 'kohaku_prompt_popup', role: 'listbox',
            'aria-label': prompt.translated('Tags')});
        popup.hidden = true;
        layer.append(popup);
        document.body.append(layer);
    }

    function show(answer) {
        if (!popup) make();
        if (!found) follow(true);
        found = answer;
        // A guess at a slip is not chosen before somebody chooses it: Enter is still a new line.
        active = answer.hits[0].match === 'typo' ? -1 : 0;
        popup.replaceChildren(...answer.hits.map(row));
        popup.hidden = false;
        box.setAttribute('aria-autocomplete', 'list');
        box.setAttribute('aria-controls', popup.id);
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

    function moved(event) {
        if (event.target !== popup) settle();
    }

    function follow(whether) {
        const change = whether ? 'addEventListener' : 'removeEventListener';
        window[change]('scroll', moved, {passive: true, capture: true});
        window[change]('resize', moved, {passive: true});
    }

    // What was typed or where the caret went after the list was made is not what the list is about.
    function isStale() {
        return box.value !== found.asked.text || box.selectionEnd !== found.asked.caret;
    }

    // With a key that takes a tag, the first one of the answer is taken.
    function ask(key) {
        clearTimeout(timer);
        const asked = {text: box.value, caret: box.selectionEnd, box: box};
        const question = Object.assign({prompt: asked.text, caret: prompt.text.points(asked.text, asked.caret)},
            watched.question(box));
        prompt.ask('complete', question, 'complete').then(function(answer) {
            const stale = box !== asked.box || box.value !== asked.text || box.selectionEnd !== asked.caret;
            if (stale || document.activeElement !== box) return;
            if (!answer.hits.length) return close();
            show(Object.assign(answer, {asked: asked}));
            if (key) takeActive(key);
            return undefined;
        }).catch((error) => error.name !== 'AbortError' && close());
    }

    function accept(index) {
        const hit = found && found.hits[index];
        if (!hit) return;
        if (isStale()) return ask();
        const start = prompt.text.units(box.value, found.start);
        const end = prompt.text.units(box.value, found.end);
        const target = box;
        const suffix = box.dataset.kohakuCompletes === 'one' ? '' : found.suffix;
        close();
        prompt.text.insert(target, start, end, hit.insert + suffix);
        prompt.ask('used', {tags: [hit.name]}).catch(() => {});
        target.dispatchEvent(new CustomEvent('kohaku-accepted', {bubbles: true, detail: hit}));
    }

    function takeActive(key) {
        if (key === 'Tab' || active >= 0) accept(Math.max(active, 0));
    }

    function step(event) {
        const steps = {ArrowDown: 1, ArrowUp: -1};
        mark((active + steps[event.key] + found.hits.length) % found.hits.length);
    }

    function leave() {
        close();
        return false;
    }

    // Whether a key was ours. With Ctrl, Alt or the like it is the webui's: weights, Generate, moving tags.
    function take(event) {
        const plain = !event.ctrlKey && !event.altKey && !event.metaKey;
        if (event.key === 'Escape' && found) close();
        else if (!found || !plain) return false;
        else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') step(event);
        else if (LEAVING.includes(event.key)) return leave();
        else if (event.shiftKey || !(event.key === 'Tab' || (event.key === 'Enter' && active >= 0))) return false;
        else if (isStale()) ask(event.key);
        else takeActive(event.key);
        return true;
    }

    function onKey(event, options) {
        if (event.isComposing || !options.applies(event.target)) return;
        if (event.key === ' ' && event.ctrlKey) {
            box = event.target;
            watched = options;
            ask();
        } else if (event.target !== box || !take(event)) {
            return;
        }
        event.preventDefault();
        event.stopPropagation();
    }

    function onInput(event, options) {
        if (prompt.text.isWriting() || !options.applies(event.target)) return;
        // Only for typing: texts that are put in or pasted must not open a list.
        const composed = event.type === 'compositionend' && event.data;
        const typed = event.type === 'input' && event.isTrusted && !event.isComposing &&
            !(event.inputType || '').startsWith('insertFrom');
        if (!composed && !typed) return close();
        if (box !== event.target) close();
        box = event.target;
        watched = options;
        clearTimeout(timer);
        timer = setTimeout(() => ask(), ASK_AFTER);
    }

    // options: applies(element), whether it is a box to complete in; question(box), what to ask besides the text.
    // Returns a function that ends it.
    prompt.completeIn = function(root, options) {
        const listeners = {
            keydown: (event) => onKey(event, options),
            input: (event) => onInput(event, options),
            // What an input method has put together; the browser sends no input event behind it.
            compositionend: (event) => onInput(event, options),
            mousedown: (event) => event.target === box && close(),
            focusout: (event) => event.target === box && close()
        };
        for (const [name, listener] of Object.entries(listeners)) root.addEventListener(name, listener, name === 'keydown');
        return function() {
            close();
            for (const [name, listener] of Object.entries(listeners)) root.removeEventListener(name, listener, name === 'keydown');
        };
    };

    prompt.pieces.push({
        start: function(page) {
            prompt.completeIn(page, {
                applies: (element) => element.dataset !== undefined && element.dataset.kohakuCompletes !== undefined,
                question: (element) => ({
                    profile: prompt.profile ? prompt.profile.id : '',
                    negative: element === prompt.element('negative')
                })
            });
            // Tags are no words to translate.
            for (const id of ['parts', 'diff', 'presets', 'captions', 'chunks', 'negative_chunks']) {
                if (window.ignore_ids_for_localization) window.ignore_ids_for_localization['kohaku_prompt_' + id] = 'SPAN';
            }
        }
    });
})();
