// The prompt by parts: a row of chips for every kind of tag, in the model's order.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const STEP = 0.1;
    const WITHOUT_ADDER = ['network', 'unknown', 'prose'];
    let shownFor = null;

    function change(method, parameters, label) {
        const text = prompt.element('text').value;
        if (method !== 'add' && text !== shownFor) return prompt.checkSoon();
        return prompt.ask(method, prompt.asked(parameters), 'parts').then(function(answer) {
            if (prompt.element('text').value !== text) return;
            // The places of the chips are those of the new text at once: the next click may come before the next check.
            show(answer.prompt, answer.rows);
            prompt.apply({text: answer.prompt}, label);
        }).catch(prompt.failed);
    }

    function small(text, title, press) {
        return prompt.make('button', {type: 'button', class: 'kohaku-prompt-small', title: title, 'aria-label': title, press: press}, text);
    }

    function chip(found, kind) {
        const place = {start: found.start, end: found.end};
        const weigh = (step) => change('weigh', Object.assign({weight: Math.round((found.weight + step) * 100) / 100}, place), 'weight');
        const inside = [prompt.make('span', {class: 'kohaku-prompt-tag'}, found.name)];
        // Of an artist one wants to know before the picture is made.
        if (kind === 'artist' && found.posts && found.strength !== 'works') {
            inside.push(prompt.make('span', {class: 'kohaku-prompt-strength'}, prompt.translated(found.strength)));
        }
        if (found.weight !== null) {
            if (found.weight !== 1) inside.push(prompt.make('span', {class: 'kohaku-prompt-weight'}, '\u00d7' + found.weight));
            inside.push(small('\u2212', 'Weaker: ' + found.name, () => weigh(-STEP)), small('+', 'Stronger: ' + found.name, () => weigh(STEP)));
        }
        inside.push(small('\u00d7', 'Take out ' + found.name, () => change('remove', place, 'take out ' + found.name)));
        const posts = found.posts ? prompt.count(found.posts) + ' posts: ' + found.strength : 'no post count is known';
        return prompt.make('span', {class: 'kohaku-prompt-element kohaku-kind-' + kind, title: found.text + '\n' + posts}, ...inside);
    }

    function adder(kind) {
        const field = prompt.make('input', {type: 'text', class: 'kohaku-prompt-add', placeholder: 'add', 'data-kohaku-completes': 'one',
            'aria-label': 'Add to ' + prompt.kind(kind), autocomplete: 'off', 'data-kind': kind});
        const send = (name) => name.trim() && change('add', {kind: kind, name: name}, 'add ' + name);
        field.addEventListener('kohaku-accepted', (event) => send(event.detail.name));
        field.addEventListener('keydown', function(event) {
            if (event.key !== 'Enter' || event.defaultPrevented) return;
            event.preventDefault();
            send(field.value);
        });
        return field;
    }

    function row(found) {
        const adds = WITHOUT_ADDER.includes(found.kind) ? [] : [adder(found.kind)];
        return prompt.make('div', {class: 'kohaku-prompt-row'},
            prompt.make('span', {class: 'kohaku-prompt-label'}, prompt.kind(found.kind)),
            prompt.make('div', {class: 'kohaku-prompt-chips'}, ...found.chips.map((item) => chip(item, found.kind)), ...adds));
    }

    function show(text, rows) {
        const place = prompt.element('parts');
        const focused = place.contains(document.activeElement) ? document.activeElement : null;
        shownFor = text;
        const wanted = rows.filter((found) => found.chips.length || !WITHOUT_ADDER.includes(found.kind));
        place.replaceChildren(...wanted.map(row));
        // Whoever uses the keyboard stays where they were.
        const same = focused && [...place.querySelectorAll('input, button')].find((element) =>
            focused.dataset.kind ? element.dataset.kind === focused.dataset.kind : element.title && element.title === focused.title);
        if (same) same.focus({preventScroll: true});
    }

    prompt.pieces.push({
        start: function() {
            prompt.element('parts_section').addEventListener('toggle', prompt.checkSoon);
        },
        checks: function(answer) {
            if (!answer.rows) return;
            const field = document.activeElement;
            const typing = field && field.dataset.kind && field.value;
            if (!typing || shownFor !== answer.for.text) show(answer.for.text, answer.rows);
        }
    });
})();
