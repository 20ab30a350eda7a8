// Put in order: what would change is shown first, and applied on a click.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    // Kinds of words that the person does not want added; remembered with the draft.
    prompt.unwanted = new Set();
    let shown = null;

    function close() {
        prompt.forget('format');
        prompt.element('diff').hidden = true;
        shown = null;
    }

    function ask() {
        const wanted = ['quality', 'aesthetic', 'rating', 'year', 'source'].filter((kind) => !prompt.unwanted.has(kind));
        prompt.ask('format', prompt.asked({add: wanted}), 'format').then(function(answer) {
            if (answer.before !== prompt.element('text').value) return;
            show(answer);
        }).catch(prompt.failed);
    }

    function pieces(list) {
        return list.map((piece) => prompt.make('span', {
            class: 'kohaku-prompt-piece kohaku-' + piece.change + ' kohaku-kind-' + piece.kind,
            title: piece.change === 'same' ? null : (piece.change === 'added' ? 'Added' : 'Moved: ' + prompt.kind(piece.kind))
        }, piece.text));
    }

    function toggle(words) {
        const wanted = !prompt.unwanted.has(words.kind);
        return prompt.button((wanted ? '\u2713 ' : '+ ') + words.words.join(', '), prompt.kind(words.kind), function() {
            if (wanted) prompt.unwanted.add(words.kind);
            else prompt.unwanted.delete(words.kind);
            prompt.draft.save();
            ask();
        }, {class: 'kohaku-prompt-chip', 'aria-pressed': String(wanted)});
    }

    prompt.diffLine = function(label, list) {
        return prompt.make('div', {class: 'kohaku-prompt-version'},
            prompt.make('span', {class: 'kohaku-prompt-label'}, label),
            prompt.make('div', {class: 'kohaku-prompt-preview'}, ...pieces(list)));
    };

    function show(answer) {
        shown = answer;
        const place = prompt.element('diff');
        const name = prompt.profile.name;
        const rest = answer.notes.map((note) => prompt.notice(note, 'warning'));
        if (answer.missing.length) {
            rest.push(prompt.make('div', {class: 'kohaku-row'}, prompt.make('span', {class: 'kohaku-prompt-label'}, 'Also add'),
                ...answer.missing.map(toggle)));
        }
        const same = answer.before === answer.after;
        const apply = prompt.button('Apply', 'Undo takes it back', function() {
            // Typed in since: the order for that text is on its way.
            if (shown.before !== prompt.element('text').value) return;
            const after = shown.after;
            close();
            prompt.apply({text: after}, 'order');
        }, {class: 'kohaku-prompt-primary', id: 'kohaku_prompt_apply'});
        const leave = prompt.button(same ? 'Close' : 'Leave it', 'Changes nothing', close);
        const versions = same ? [prompt.make('div', {class: 'kohaku-hint'}, 'Nothing to do: it is in the order of ' + name + '.')] :
            [prompt.diffLine('Now', answer.was), prompt.diffLine('In the order of ' + name, answer.becomes)];
        place.replaceChildren(...versions, ...rest, prompt.make('div', {class: 'kohaku-row'}, ...(same ? [] : [apply]), leave));
        place.hidden = false;
        if (!same && document.activeElement === prompt.element('format')) apply.focus({preventScroll: true});
    }

    prompt.pieces.push({
        start: function() {
            prompt.onClick('format', function() {
                if (!prompt.element('text').value.trim()) return prompt.say('Type some tags first.', 'warning');
                return ask();
            });
        },
        changed: function(values) {
            if (shown && shown.before !== values.text) {
                if (values.text.trim()) ask();
                else close();
            }
        },
        profile: function() {
            if (shown) ask();
        }
    });
})();
