// Put in order, for the webui's own prompt box: what would change is shown first.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const accordion = kohaku.accordion = kohaku.accordion || {pieces: []};

    function ask(page) {
        if (!page.text(false).trim()) return page.say('Type some tags into the prompt first.', 'warning');
        return prompt.ask('format', page.asked({add: []}), 'format_' + page.name).then(function(answer) {
            if (answer.before === page.text(false)) show(page, answer);
        }).catch(page.failed);
    }

    function close(page) {
        page.diff.hidden = true;
        page.diff.replaceChildren();
    }

    function apply(page, answer) {
        if (answer.before !== page.text(false)) return ask(page);
        close(page);
        page.apply('order', {prompt: answer.after});
        return null;
    }

    function show(page, answer) {
        const notes = answer.notes.map((note) => prompt.notice(note, 'warning'));
        const same = answer.before === answer.after;
        const leave = prompt.button(same ? 'Close' : 'Leave it', 'Changes nothing', () => close(page));
        const take = prompt.button('Apply', 'Undo takes it back', () => apply(page, answer), {class: 'kohaku-prompt-primary'});
        const versions = same ?
            [prompt.make('div', {class: 'kohaku-hint'}, 'Nothing to do: it is in the order of ' + page.profileName + '.')] :
            [prompt.diffLine('Now', answer.was), prompt.diffLine('In the order of ' + page.profileName, answer.becomes)];
        page.diff.replaceChildren(...versions, ...notes, prompt.make('div', {class: 'kohaku-row'}, ...(same ? [] : [take]), leave));
        page.diff.hidden = false;
        if (!same) take.focus({preventScroll: true});
    }

    accordion.pieces.push({
        start: function(page) {
            page.diff = prompt.make('div', {class: 'kohaku-prompt-diff', hidden: true});
            const order = prompt.button('Put the prompt in order', 'Shows what would change before anything does', () => ask(page));
            page.undoButton = prompt.button('Undo', 'Takes back the last click', () => page.undo(), {hidden: true});
            page.row = prompt.make('div', {class: 'kohaku-row'}, order, page.undoButton);
            page.tools.append(page.row, page.diff);
            document.addEventListener('input', function(event) {
                if (event.target === page.box(false) && !page.diff.hidden && !prompt.text.isWriting()) close(page);
            });
        }
    });
})();
