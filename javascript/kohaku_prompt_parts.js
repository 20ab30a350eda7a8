// The prompt by parts: a row of chips for every kind of tag, in the model's order.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const STEP = 0.1;
    const WITHOUT_ADDER = ['network', 'unknown', 'prose'];
    let shownFor = null;

    function change(method, parameters, label) {
        prompt.ask(method, prompt.asked(Object.assign({prompt: shownFor}, parameters)), 'parts').then(function(answer) {
            if (prompt.element('text').value !== shownFor) return;
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

    prompt.pieces.push({
        start: function() {
            prompt.element('parts_section').addEventListener('toggle', prompt.checkSoon);
        },
        checks: function(answer) {
            if (!answer.rows) return;
            const focused = document.activeElement && document.activeElement.dataset.kind;
            const typed = focused ? document.activeElement.value : '';
            if (focused && typed && shownFor === answer.for.text) return;
            shownFor = answer.for.text;
            const wanted = answer.rows.filter((found) => found.chips.length || !WITHOUT_ADDER.includes(found.kind));
            prompt.element('parts').replaceChildren(...wanted.map(row));
            const again = focused && prompt.element('parts').querySelector('input[data-kind="' + focused + '"]');
            if (again) again.focus({preventScroll: true});
        }
    });
})();
