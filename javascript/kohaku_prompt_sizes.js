// Sizes that the model was trained on, CFG and steps that its source asks for.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const ICON = 18;
    let asked = '';

    function icon(size) {
        const shape = prompt.make('span', {class: 'kohaku-prompt-shape'});
        const longer = Math.max(size.width, size.height);
        shape.style.width = ICON * size.width / longer + 'px';
        shape.style.height = ICON * size.height / longer + 'px';
        return prompt.make('span', {class: 'kohaku-prompt-icon'}, shape);
    }

    function name(size) {
        return size.width + '\u00d7' + size.height;
    }

    function chip(size, values) {
        const pressed = size.width === values.width && size.height === values.height;
        return prompt.button(icon(size), name(size) + ' pixels', function() {
            prompt.apply({width: size.width, height: size.height}, name(size));
        }, {class: 'kohaku-prompt-chip kohaku-prompt-size', 'aria-pressed': String(pressed), 'aria-label': name(size)});
    }

    function show(values) {
        const chips = prompt.profile.sizes.map(function(size) {
            const element = chip(size, values);
            element.append(name(size));
            return element;
        });
        prompt.element('sizes').replaceChildren(...chips);
        prompt.element('sizes').title = prompt.profile.sizes_source;
    }

    // "16:9", "16/9", "800x1200", "1.5"
    function read(text) {
        const match = text.trim().match(/^(\d+(?:\.\d+)?)\s*(?:[:/x\u00d7*]\s*(\d+(?:\.\d+)?))?$/i);
        return match ? {across: Number(match[1]), down: match[2] === undefined ? 1 : Number(match[2])} : null;
    }

    function nearest() {
        asked = prompt.element('ratio').value;
        const ratio = read(asked);
        if (!ratio) return prompt.say('Type a ratio such as 16:9 or a size such as 800x1200.', 'warning');
        return prompt.ask('nearest', prompt.asked(ratio), 'nearest').then(function(answer) {
            prompt.apply(answer.size, name(answer.size));
            prompt.say('The nearest size of ' + prompt.profile.name + ' is ' + name(answer.size) + '.', 'good');
        }).catch(prompt.failed);
    }

    function fill(profile) {
        const values = prompt.values();
        const changes = {};
        if (values.width === null || values.height === null) Object.assign(changes, profile.size);
        if (values.cfg === null && profile.cfg !== null) changes.cfg = profile.cfg;
        if (values.steps === null && profile.steps !== null) changes.steps = profile.steps;
        for (const [key, value] of Object.entries(changes)) prompt.element(key).value = String(value);
    }

    prompt.pieces.push({
        start: function() {
            prompt.onClick('swap', function() {
                const values = prompt.values();
                prompt.apply({width: values.height, height: values.width}, 'swap');
            });
            prompt.element('ratio').addEventListener('keydown', function(event) {
                if (event.key !== 'Enter') return;
                event.preventDefault();
                nearest();
            });
            prompt.element('ratio').addEventListener('change', function() {
                const text = prompt.element('ratio').value;
                if (text && text !== asked) nearest();  // Enter has asked already
            });
            for (const key of ['width', 'height']) Object.assign(prompt.element(key), {min: 64, max: 16384, step: 8});
            Object.assign(prompt.element('cfg'), {min: 0, max: 30, step: 0.5});
            Object.assign(prompt.element('steps'), {min: 1, max: 150, step: 1});
        },
        profile: function(profile) {
            fill(profile);
            show(prompt.values());
            prompt.element('cfg').title = profile.cfg_hint;
            prompt.element('steps').title = profile.steps_hint;
            prompt.element('advice').replaceChildren(...profile.advice.concat(profile.notes).map((line) => prompt.make('div', {}, line)));
        },
        changed: function(values) {
            if (prompt.profile) show(values);
        }
    });
})();
