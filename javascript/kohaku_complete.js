// Completion in the formula box: checkpoints, methods, presets, and names that the formula defines itself.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const MOST = 12;
    let popup = null;
    let items = [];
    let active = 0;
    let from = 0;
    let accepting = false;

    function inQuotes(name) {
        return '"' + name.replace(/[\\"]/g, '\\$&') + '"';
    }

    // The beginning of a name with dashes or a digit in front, which gets its quotes when it is taken: the longest one.
    function dashedName(line) {
        const run = (line.match(/(?<![\p{L}\p{N}_.$])[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u) || [''])[0];
        const quoted = kohaku.candidates().models.filter((model) => model.insert !== model.name);
        const parts = run.split('-').map((part, index, all) => all.slice(index).join('-'));
        return parts.find((part) => part.length > 1 && (part.includes('-') || /^\d+[\p{L}_]/u.test(part)) &&
            quoted.some((model) => model.name.toLowerCase().startsWith(part.toLowerCase()))) || '';
    }

    // What stands before the caret: {from, text, quoted, preset}, or null where no name can begin.
    function fragment(box) {
        const before = box.value.slice(0, box.selectionStart);
        const line = before.slice(before.lastIndexOf('\n') + 1);
        const quote = line.match(/^(?:[^"]*"[^"]*")*[^"]*"([^"]*)$/);
        if (quote) {
            const preset = /mbw\(\s*"[^"]*$/.test(line);
            return {from: box.selectionStart - quote[1].length - 1, text: quote[1], quoted: true, preset: preset};
        }
        const dashed = /#/.test(line) ? '' : dashedName(line);
        if (dashed) return {from: box.selectionStart - dashed.length, text: dashed};
        const word = line.match(/(?<![\p{L}\p{N}_.$])[\p{L}_][\p{L}\p{N}_.]*$/u);
        return word && !/#/.test(line) ? {from: box.selectionStart - word[0].length, text: word[0]} : null;
    }

    function defined(box) {
        const found = [];
        for (const match of box.value.matchAll(/^[ \t]*([\p{L}_][\p{L}\p{N}_.]*)[ \t]*=/gmu)) {
            found.push({name: match[1], insert: match[1], detail: 'defined above'});
        }
        return found;
    }

    function rank(name, wanted) {
        const place = name.toLowerCase().indexOf(wanted);
        if (place < 0) return -1;
        if (place === 0) return 0;
        return /[\p{L}\p{N}]/u.test(name[place - 1]) ? 2 : 1;
    }

    function find(box, part) {
        const all = kohaku.candidates();
        let pool = defined(box).concat(all.models, all.methods);
        if (part.preset) pool = all.presets;
        else if (part.quoted) pool = all.models.map((model) => Object.assign({}, model, {insert: inQuotes(model.name)}));
        const wanted = part.text.toLowerCase();
        return pool.map((item) => ({item: item, rank: rank(item.name, wanted)}))
            .filter((found) => found.rank >= 0)
            .sort((a, b) => a.rank - b.rank || a.item.name.length - b.item.name.length)
            .slice(0, MOST)
            .map((found) => found.item);
    }

    function row(item, index) {
        const element = document.createElement('div');
        element.className = 'kohaku-popup-item';
        element.id = 'kohaku_popup_' + index;
        element.setAttribute('role', 'option');
        element.setAttribute('aria-selected', String(index === active));
        for (const [kind, text] of [['name', item.name], ['detail', item.detail || item.about || (item.file !== item.name ? item.file : '')]]) {
            const span = document.createElement('span');
            span.className = 'kohaku-popup-' + kind;
            span.textContent = text || '';
            element.append(span);
        }
        element.addEventListener('mousedown', function(event) {
            event.preventDefault();
            active = index;
            accept();
        });
        return element;
    }

    function close() {
        if (popup) popup.hidden = true;
        items = [];
        const box = kohaku.field('formula');
        if (box) box.removeAttribute('aria-activedescendant');
    }

    function render(box) {
        popup.replaceChildren(...items.map(row));
        popup.hidden = false;
        const place = kohaku.caretPlace(box, from);
        const room = document.documentElement.clientWidth - popup.offsetWidth - 8;
        popup.style.left = Math.max(8, Math.min(place.left, room)) + 'px';
        popup.style.top = place.bottom + 2 + 'px';
        box.setAttribute('aria-activedescendant', 'kohaku_popup_' + active);
        const chosen = popup.children[active];
        if (chosen) chosen.scrollIntoView({block: 'nearest'});
    }

    function open(box, always) {
        const part = fragment(box) || (always ? {from: box.selectionStart, text: ''} : null);
        if (!part || (!part.text && !part.quoted && !always)) return close();
        items = find(box, part);
        if (!items.length || (items.length === 1 && items[0].insert === part.text)) return close();
        active = 0;
        from = part.from;
        return render(box);
    }

    function accept() {
        const box = kohaku.field('formula');
        const item = items[active];
        if (!item) return;
        const caret = box.selectionStart;
        const closed = item.insert.endsWith('"') && box.value[caret] === '"';
        const typed = box.value.slice(from, caret);
        const rest = !closed && item.insert.startsWith(typed);
        box.focus();
        // What was typed already stays, so that undo does not leave it selected.
        box.setSelectionRange(rest ? caret : from, closed ? caret + 1 : caret);
        // The only way that the browser's own undo knows of.
        accepting = true;
        document.execCommand('insertText', false, rest ? item.insert.slice(typed.length) : item.insert);
        accepting = false;
        close();
    }

    function onKey(event) {
        const box = kohaku.field('formula');
        if (event.target !== box) return;
        if (event.key === ' ' && event.ctrlKey) {
            event.preventDefault();
            open(box, true);
            return;
        }
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            if (box.value.trim() && !kohaku.tab().matches('.kohaku-busy')) kohaku.press('merge');
            return;
        }
        if (!items.length) return;
        const steps = {ArrowDown: 1, ArrowUp: -1};
        if (event.key in steps) {
            active = (active + steps[event.key] + items.length) % items.length;
            render(box);
        } else if (event.key === 'Tab' || (event.key === 'Enter' && !event.shiftKey)) {
            accept();
        } else if (event.key === 'Escape') {
            close();
        } else {
            return;
        }
        event.preventDefault();
        event.stopPropagation();
    }

    kohaku.complete = {
        start: function(tab) {
            popup = document.createElement('div');
            popup.className = 'kohaku-popup';
            popup.id = 'kohaku_popup';
            popup.setAttribute('role', 'listbox');
            popup.hidden = true;
            tab.append(popup);
            // Names of checkpoints are no words to translate.
            const untranslated = window.ignore_ids_for_localization;
            if (untranslated) Object.assign(untranslated, {kohaku_popup: 'SPAN', kohaku_plan: 'OPTION'});
            tab.addEventListener('keydown', onKey, true);
            tab.addEventListener('input', function(event) {
                // Only for typing: values that come from elsewhere must not open a list.
                const typed = event.isTrusted && !accepting && event.inputType !== 'insertFromPaste';
                if (typed && event.target === kohaku.field('formula')) open(event.target, false);
            });
            tab.addEventListener('focusout', function(event) {
                if (event.target === kohaku.field('formula')) close();
            });
            window.addEventListener('scroll', close, {passive: true});
        }
    };
})();
